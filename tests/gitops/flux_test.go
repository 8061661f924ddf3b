package gitops

import (
	"context"
	"regexp"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	helm "github.com/fluxcd/helm-controller/api/v2"
	kustomization "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/runtime/cel"
	source "github.com/fluxcd/source-controller/api/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

const upgradesPath = "deploy/gitops/flux/upgrades.yaml"

// The Kustomization of the example, read as Flux reads it.
func upgrades(t *testing.T) kustomization.Kustomization {
	t.Helper()
	var parsed kustomization.Kustomization
	if err := yaml.UnmarshalStrict([]byte(read(t, upgradesPath)), &parsed); err != nil {
		t.Fatal(err)
	}
	return parsed
}

// Flux's judgement by the expressions of the example.
func evaluator(t *testing.T) *cel.StatusEvaluator {
	t.Helper()
	checks := upgrades(t).Spec.HealthCheckExprs
	if len(checks) != 1 || checks[0].APIVersion != "eksupgrade.dev/v1alpha1" || checks[0].Kind != "ClusterUpgrade" {
		t.Fatalf("%s judges something else: %+v", upgradesPath, checks)
	}
	evaluator, err := cel.NewStatusEvaluator(&checks[0].HealthCheckExpressions)
	if err != nil {
		t.Fatal(err)
	}
	return evaluator
}

// An expression that cannot be evaluated has Flux wait until it times out.
func TestFluxBearsObjectsThatAreNotWhole(t *testing.T) {
	evaluator := evaluator(t)
	for name, fields := range map[string]map[string]any{
		"no conditions": {"observedGeneration": int64(1)},
		"no Ready": {"observedGeneration": int64(1), "conditions": []any{
			map[string]any{"type": "PreflightPassed", "status": "True", "reason": "Passed"},
		}},
		"a reason of a newer operator": {"observedGeneration": int64(1), "conditions": []any{
			map[string]any{"type": "Ready", "status": "Unknown", "reason": "NotKnownHere"},
		}},
	} {
		object := &unstructured.Unstructured{Object: map[string]any{
			"metadata": map[string]any{"name": "devel", "generation": int64(1)}, "status": fields,
		}}
		result, err := evaluator.Evaluate(context.Background(), object)
		if err != nil || result.Status != status.InProgressStatus {
			t.Errorf("%s: %v, %v", name, result, err)
		}
	}
}

// A freeze in Git must hold up no Kustomization.
func TestFreezesAreCurrent(t *testing.T) {
	for _, path := range []string{"deploy/samples/freeze.yaml", "deploy/samples/emergency-stop.yaml"} {
		result, err := status.Compute(documents(t, path)[0])
		if err != nil || result.Status != status.CurrentStatus {
			t.Errorf("%s: %v, %v", path, result, err)
		}
	}
}

func TestTheExamplesAreWhatFluxReads(t *testing.T) {
	var operator kustomization.Kustomization
	strict(t, read(t, "deploy/gitops/flux/operator.yaml"), &operator)
	release := documents(t, "deploy/gitops/flux/operator/release.yaml")
	var (
		namespace core.Namespace
		chart     source.OCIRepository
		installed helm.HelmRelease
	)
	for index, into := range []any{&namespace, &chart, &installed} {
		text, err := yaml.Marshal(release[index].Object)
		if err != nil {
			t.Fatal(err)
		}
		strict(t, string(text), into)
	}
	if len(release) != 3 || installed.Spec.ChartRef.Name != chart.Name || installed.Namespace != namespace.Name {
		t.Errorf("the release does not hang together: %+v", installed)
	}
	// A newer minor may need permissions beforehand, so that it must not come by itself.
	var packaged struct{ Version string }
	if err := yaml.Unmarshal([]byte(read(t, "deploy/chart/Chart.yaml")), &packaged); err != nil {
		t.Fatal(err)
	}
	minor := regexp.MustCompile(`^\d+\.\d+`).FindString(packaged.Version)
	if chart.Spec.Reference == nil || chart.Spec.Reference.SemVer != minor+".x" {
		t.Errorf("the release is not held at %s.x: %+v", minor, chart.Spec.Reference)
	}

	upgrades := upgrades(t)
	if !operator.Spec.Wait || !upgrades.Spec.Wait || upgrades.Spec.Timeout == nil {
		t.Error("nothing is waited for, or without an end")
	}
	if len(upgrades.Spec.DependsOn) != 1 || upgrades.Spec.DependsOn[0].Name != operator.Name {
		t.Errorf("the ClusterUpgrades do not wait for the operator: %+v", upgrades.Spec.DependsOn)
	}
}

func strict(t *testing.T, text string, into any) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(text), into); err != nil {
		t.Fatal(err)
	}
}
