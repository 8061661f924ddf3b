package gitops

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

const root = "../.."

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The documents of a YAML file, with whole numbers as Kubernetes has them.
func documents(t *testing.T, path string) []*unstructured.Unstructured {
	t.Helper()
	var all []*unstructured.Unstructured
	for _, text := range regexp.MustCompile(`(?m)^---\n`).Split(read(t, path), -1) {
		object, err := parse(text)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, object)
	}
	return all
}

func parse(text string) (*unstructured.Unstructured, error) {
	json, err := yaml.YAMLToJSONStrict([]byte(text))
	if err != nil {
		return nil, err
	}
	object := &unstructured.Unstructured{}
	return object, object.UnmarshalJSON(json)
}

// The recorded objects, by the name of their file.
func recorded(t *testing.T) map[string]*unstructured.Unstructured {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, "tests/gitops/objects/*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	objects := map[string]*unstructured.Unstructured{}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		objects[name] = documents(t, filepath.Join("tests/gitops/objects", filepath.Base(path)))[0]
	}
	return objects
}

type condition struct{ status, reason, message string }

func conditionOf(object *unstructured.Unstructured, kind string) (condition, bool) {
	all, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, each := range all {
		fields := each.(map[string]any)
		if fields["type"] == kind {
			return condition{fields["status"].(string), fields["reason"].(string), fields["message"].(string)}, true
		}
	}
	return condition{}, false
}

// Compares a generated part of a file with what it has to be, or writes it where UPDATE_DOCS is set.
func generated(t *testing.T, path, have, want, whole string) {
	t.Helper()
	if have == want {
		return
	}
	if os.Getenv("UPDATE_DOCS") == "" {
		t.Fatalf("%s has drifted: run make docs\nhave:\n%s\nwant:\n%s", path, have, want)
	}
	if err := os.WriteFile(filepath.Join(root, path), []byte(whole), 0o644); err != nil {
		t.Fatal(err)
	}
}
