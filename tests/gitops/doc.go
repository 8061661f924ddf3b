// Package gitops judges every recorded ClusterUpgrade as Argo CD, kstatus and Flux would, by the libraries they judge with.
//
// The objects are in objects/, written by the Rust test tests/plan/recorded.rs; the verdicts that are wanted are in
// expected.yaml. `make docs` writes what follows from both: deploy/gitops/argocd/argocd-cm.yaml and the table in docs/gitops.md.
package gitops
