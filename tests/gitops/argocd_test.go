package gitops

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

const (
	healthPath    = "deploy/gitops/argocd/health.lua"
	discoveryPath = "deploy/gitops/argocd/actions/discovery.lua"
	retryPath     = "deploy/gitops/argocd/actions/retry.lua"
	configPath    = "deploy/gitops/argocd/argocd-cm.yaml"

	healthKey  = "resource.customizations.health.eksupgrade.dev_ClusterUpgrade"
	actionsKey = "resource.customizations.actions.eksupgrade.dev_ClusterUpgrade"
)

type health struct{ status, message string }

// Runs a script as Argo CD runs those of argocd-cm: with the base, package and table libraries, of os only the time, the object
// as the global obj, and for a second at most.
func run(object *unstructured.Unstructured, script string) (*lua.LTable, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	openTime := func(state *lua.LState) int {
		lua.OpenOs(state)
		whole := state.Get(-1).(*lua.LTable)
		some := state.NewTable()
		for _, name := range []string{"time", "date"} {
			some.RawSetString(name, whole.RawGetString(name))
		}
		state.SetGlobal(lua.OsLibName, some)
		state.Push(some)
		return 1
	}
	for _, library := range []struct {
		name string
		open lua.LGFunction
	}{
		{lua.LoadLibName, lua.OpenPackage},
		{lua.BaseLibName, lua.OpenBase},
		{lua.TabLibName, lua.OpenTable},
		{lua.OsLibName, openTime},
	} {
		call := lua.P{Fn: state.NewFunction(library.open), Protect: true}
		if err := state.CallByParam(call, lua.LString(library.name)); err != nil {
			return nil, err
		}
	}
	loaded := state.GetField(state.GetField(state.Get(lua.EnvironIndex), "package"), "loaded")
	state.SetField(loaded, lua.OsLibName, state.GetGlobal(lua.OsLibName))
	second, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	state.SetContext(second)
	state.SetGlobal("obj", toLua(state, object.Object))
	if err := state.DoString(script); err != nil {
		return nil, err
	}
	table, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		return nil, fmt.Errorf("returns %s and no table", state.Get(-1).Type())
	}
	return table, nil
}

func toLua(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case bool:
		return lua.LBool(value)
	case int64:
		return lua.LNumber(value)
	case float64:
		return lua.LNumber(value)
	case string:
		return lua.LString(value)
	case []any:
		table := state.NewTable()
		for _, item := range value {
			table.Append(toLua(state, item))
		}
		return table
	case map[string]any:
		table := state.NewTable()
		for key, item := range value {
			table.RawSetString(key, toLua(state, item))
		}
		return table
	default:
		return lua.LNil
	}
}

// Argo CD's judgement. It asks no script about an object that is being deleted.
func argo(object *unstructured.Unstructured, script string) (health, error) {
	if object.GetDeletionTimestamp() != nil {
		return health{"Progressing", "Pending deletion"}, nil
	}
	return byScript(object, script)
}

func byScript(object *unstructured.Unstructured, script string) (health, error) {
	table, err := run(object, script)
	if err != nil {
		return health{}, err
	}
	said := health{lua.LVAsString(table.RawGetString("status")), lua.LVAsString(table.RawGetString("message"))}
	switch said.status {
	case "Healthy", "Progressing", "Suspended", "Degraded":
		return said, nil
	}
	return said, fmt.Errorf("%q is no health that Argo CD knows", said.status)
}

// The customizations as Argo CD reads them from its ConfigMap.
func customizations(t *testing.T) map[string]string {
	t.Helper()
	data, _, err := unstructured.NestedStringMap(documents(t, configPath)[0].Object, "data")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestArgoSaysWhatReadySays(t *testing.T) {
	script := customizations(t)[healthKey]
	for name, object := range recorded(t) {
		said, err := argo(object, script)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		ready, _ := conditionOf(object, "Ready")
		if name == ready.reason && said.message != ready.message {
			t.Errorf("%s: Argo CD shows %q and not %q", name, said.message, ready.message)
		}
		if said.message == "" {
			t.Errorf("%s: Argo CD shows no message", name)
		}
	}
}

// Of what is not there yet, or is not as it should be, a script must not fail: Argo CD would say Unknown.
func TestArgoBearsObjectsThatAreNotWhole(t *testing.T) {
	metadata := map[string]any{"name": "devel", "generation": int64(1)}
	for name, object := range map[string]map[string]any{
		"no status":       {"metadata": metadata},
		"an empty status": {"metadata": metadata, "status": map[string]any{}},
		"no conditions":   {"metadata": metadata, "status": map[string]any{"observedGeneration": int64(1)}},
		"no Ready": {"metadata": metadata, "status": map[string]any{"observedGeneration": int64(1), "conditions": []any{
			map[string]any{"type": "PreflightPassed", "status": "True"},
		}}},
		"a reason of a newer operator": {"metadata": metadata, "status": map[string]any{
			"observedGeneration": int64(1), "conditions": []any{map[string]any{
				"type": "Ready", "status": "Unknown", "reason": "NotKnownHere", "message": "m",
			}},
		}},
	} {
		object := &unstructured.Unstructured{Object: object}
		said, err := byScript(object, read(t, healthPath))
		if err != nil || said.status != "Progressing" {
			t.Errorf("%s: %v, %v", name, said, err)
		}
		if _, err := run(object, read(t, discoveryPath)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Argo CD looks at the deletion first; the script has to bear it all the same.
	if _, err := byScript(recorded(t)["being-deleted"], read(t, healthPath)); err != nil {
		t.Error(err)
	}
}

func TestArgoOffersARetryWhereReadyIsFalse(t *testing.T) {
	for name, object := range recorded(t) {
		table, err := run(object, read(t, discoveryPath))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		disabled := lua.LVAsBool(table.RawGetString("retry").(*lua.LTable).RawGetString("disabled"))
		ready, _ := conditionOf(object, "Ready")
		if disabled != (ready.status != "False") {
			t.Errorf("%s: disabled is %v", name, disabled)
		}
	}
}

func TestArgosRetryIsTheAnnotationThatTheOperatorReads(t *testing.T) {
	before := time.Now().Add(-time.Second)
	table, err := run(recorded(t)["UpdateFailed"], read(t, retryPath))
	if err != nil {
		t.Fatal(err)
	}
	annotations := table.RawGetString("metadata").(*lua.LTable).RawGetString("annotations").(*lua.LTable)
	text := lua.LVAsString(annotations.RawGetString("eksupgrade.dev/retry-requested-at"))
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || at.Before(before.Truncate(time.Second)) || at.After(time.Now()) {
		t.Errorf("%q is not now: %v", text, err)
	}
}

// The ConfigMap holds the scripts themselves, so that it can be applied as it is.
func TestTheConfigMapHoldsTheScripts(t *testing.T) {
	indented := func(text string, by int) string {
		pad := strings.Repeat(" ", by)
		lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
		for index, line := range lines {
			if line != "" {
				lines[index] = pad + line
			}
		}
		return strings.Join(lines, "\n")
	}
	want := strings.Join([]string{
		"# Teaches Argo CD what a ClusterUpgrade's conditions mean, and a retry. Written by `make docs` from the scripts beside it.",
		"#",
		"#   kubectl --namespace argocd patch configmap argocd-cm --patch-file argocd-cm.yaml",
		"apiVersion: v1",
		"kind: ConfigMap",
		"metadata:",
		"  name: argocd-cm",
		"  namespace: argocd",
		"  labels:",
		"    app.kubernetes.io/name: argocd-cm",
		"    app.kubernetes.io/part-of: argocd",
		"data:",
		"  " + healthKey + ": |",
		indented(read(t, healthPath), 4),
		"  " + actionsKey + ": |",
		"    discovery.lua: |",
		indented(read(t, discoveryPath), 6),
		"    definitions:",
		"      - name: retry",
		"        action.lua: |",
		indented(read(t, retryPath), 10),
		"",
	}, "\n")
	have := read(t, configPath)
	generated(t, configPath, have, want, want)

	data := customizations(t)
	if data[healthKey] != read(t, healthPath) {
		t.Errorf("%s is not %s", healthKey, healthPath)
	}
	var actions struct {
		Discovery   string `json:"discovery.lua"`
		Definitions []struct {
			Name   string `json:"name"`
			Action string `json:"action.lua"`
		} `json:"definitions"`
	}
	if err := yaml.UnmarshalStrict([]byte(data[actionsKey]), &actions); err != nil {
		t.Fatal(err)
	}
	if actions.Discovery != read(t, discoveryPath) || len(actions.Definitions) != 1 ||
		actions.Definitions[0].Name != "retry" || actions.Definitions[0].Action != read(t, retryPath) {
		t.Errorf("%s holds other scripts: %+v", actionsKey, actions)
	}
	if len(data) != 2 {
		t.Errorf("%d customizations: an UpgradeFreeze has no status, and so no health", len(data))
	}
}
