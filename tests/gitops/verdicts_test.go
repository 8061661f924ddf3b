package gitops

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	docPath = "docs/gitops.md"
	begin   = "<!-- The table of the verdicts begins: `make docs` writes it. -->\n"
	end     = "<!-- The table of the verdicts ends. -->\n"
)

// How others judge one object. `wait` is tested where there is an API server: in tests/crd/gitops.rs.
type verdict struct {
	Argo    string   `json:"argo"`
	Kstatus string   `json:"kstatus"`
	Flux    string   `json:"flux"`
	Wait    []string `json:"wait"`
}

func expected(t *testing.T) map[string]verdict {
	t.Helper()
	var table map[string]verdict
	strict(t, read(t, "tests/gitops/expected.yaml"), &table)
	return table
}

// The names in expected.yaml in the order in which they stand there.
func inOrder(t *testing.T) []string {
	t.Helper()
	var names []string
	for line := range strings.Lines(read(t, "tests/gitops/expected.yaml")) {
		name, _, found := strings.Cut(line, ": {")
		if found && !strings.HasPrefix(line, "#") {
			names = append(names, name)
		}
	}
	return names
}

func TestEveryObjectHasARow(t *testing.T) {
	table := slices.Sorted(maps.Keys(expected(t)))
	objects := slices.Sorted(maps.Keys(recorded(t)))
	if !slices.Equal(table, objects) {
		t.Errorf("expected.yaml has rows for\n%v\nand there are objects of\n%v", table, objects)
	}
	// One for each of the 28 reasons, and three that nobody has judged.
	if len(objects) < 31 {
		t.Errorf("only %d objects", len(objects))
	}
	if order := inOrder(t); len(order) != len(table) {
		t.Errorf("%d rows can be read in order, of %d", len(order), len(table))
	}
}

func TestVerdicts(t *testing.T) {
	table := expected(t)
	script := customizations(t)[healthKey]
	flux := evaluator(t)
	for name, object := range recorded(t) {
		t.Run(name, func(t *testing.T) {
			want := table[name]
			if said, err := argo(object, script); err != nil || said.status != want.Argo {
				t.Errorf("Argo CD says %v, %v, and should say %s", said, err, want.Argo)
			}
			if said, err := status.Compute(object); err != nil || said.Status.String() != want.Kstatus {
				t.Errorf("kstatus says %v, %v, and should say %s", said, err, want.Kstatus)
			}
			if said, err := flux.Evaluate(context.Background(), object); err != nil || said.Status.String() != want.Flux {
				t.Errorf("Flux says %v, %v, and should say %s", said, err, want.Flux)
			}
		})
	}
}

// What follows from the design, whatever the table says.
func TestTheVerdictsFitTogether(t *testing.T) {
	objects := recorded(t)
	for name, want := range expected(t) {
		object, found := objects[name]
		if !found {
			t.Fatalf("no object says %s", name)
		}
		ready, judged := conditionOf(object, "Ready")
		if !judged || !isObserved(object) {
			continue
		}
		if name != ready.reason {
			t.Errorf("%s says %s", name, ready.reason)
		}
		if (ready.status == "True") != (want.Argo == "Healthy") {
			t.Errorf("%s: only what is ready is healthy", name)
		}
		// One rule for an on-call: Ready is False, so somebody is called, whatever they call it with.
		if (ready.status == "False") != (want.Argo == "Degraded") || (want.Argo == "Degraded") != (want.Flux == "Failed") {
			t.Errorf("%s: Ready is %s, Argo CD says %s and Flux %s", name, ready.status, want.Argo, want.Flux)
		}
		// Neither a window nor a freeze may time a Kustomization out.
		if (want.Argo == "Suspended" || want.Argo == "Healthy") != (want.Flux == "Current") {
			t.Errorf("%s: Argo CD says %s and Flux %s", name, want.Argo, want.Flux)
		}
	}
}

func isObserved(object *unstructured.Unstructured) bool {
	observed, _, _ := unstructured.NestedInt64(object.Object, "status", "observedGeneration")
	return observed == object.GetGeneration()
}

func TestTheDocsShowTheTable(t *testing.T) {
	page := read(t, docPath)
	before, rest, begun := strings.Cut(page, begin)
	have, after, ended := strings.Cut(rest, end)
	if !begun || !ended {
		t.Fatalf("%s has no place for the table", docPath)
	}
	objects := recorded(t)
	called := map[string]string{
		"untouched":     "nobody has looked at it",
		"spec-ahead":    "the spec is newer than what was looked at",
		"being-deleted": "it is being deleted",
	}
	table := expected(t)
	var want strings.Builder
	want.WriteString("\n| Reason | Ready | beside it | Argo CD | kstatus, and Flux by itself | Flux with the expressions | `kubectl wait` returns for |\n")
	want.WriteString("|---|---|---|---|---|---|---|\n")
	for _, name := range inOrder(t) {
		ready, _ := conditionOf(objects[name], "Ready")
		beside := ""
		for _, kind := range []string{"Reconciling", "Stalled"} {
			if _, found := conditionOf(objects[name], kind); found {
				beside = kind
			}
		}
		shown := "`" + name + "`"
		if called[name] != "" {
			shown, ready.status, beside = called[name], "any", ""
		}
		verdict := table[name]
		fmt.Fprintf(&want, "| %s | %s | %s | %s | %s | %s | %s |\n", shown, ready.status, beside,
			verdict.Argo, verdict.Kstatus, verdict.Flux, strings.Join(verdict.Wait, ", "))
	}
	want.WriteString("\n")
	generated(t, docPath, have, want.String(), before+begin+want.String()+end+after)
}
