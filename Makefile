# `make` alone prints what there is.

crds := clusterupgrades.eksupgrade.dev upgradefreezes.eksupgrade.dev
cache := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/eks-upgrade-operator

# With --examples cargo builds the same dependencies as for `cargo test`, and so builds them once for everything here.
build := cargo build --locked --workspace --bins --examples
# Where cargo puts what it builds, which somebody's environment or configuration may have moved.
target_dir = $$(cargo metadata --locked --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
operator = "$(target_dir)/debug/eks-upgrade-operator"

# By the libraries that Argo CD and Flux use. What somebody's environment says of other projects must not change it; and go
# would take its last result for this one's, since it does not see the files outside its module.
go_test = cd tests/gitops && env -u GOOS -u GOARCH -u GOEXPERIMENT GOFLAGS= GO111MODULE=on GOWORK=off CGO_ENABLED=0 go test -count=1 -mod=readonly ./...

.DEFAULT_GOAL := help
.PHONY: help build assets image demo test test-gitops soak replay bench fmt check-fmt lint deny crds check-crds deploy check-deploy recorded docs check-workflows picture pictures clean-cache

help: ## print this
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | while IFS='	' read -r target text; do \
		printf '  make %-12s %s\n' "$$target" "$$text"; done

build: ## build the programs
	$(build)

assets: ## find or build the local control plane and helm (some minutes, once)
	@hack/control-plane/assets >/dev/null
	@hack/tools/helm --path >/dev/null

image: ## build the container image and its SBOM, in target/image (minutes, the first time)
	@hack/image/build

demo: assets ## watch real upgrades of a simulated EKS, by a real API server; KEEP=1 leaves it running to play with
	$(build)
	@KEEP='$(KEEP)' cargo run --quiet --locked --example demo

# Tests mostly wait for servers, so more of them run at a time than there are cores.
test: export RUST_TEST_THREADS ?= 6
test: assets image ## run all tests
	cargo test --locked --workspace --exclude simulation
	cargo test --locked --package simulation -- --show-output
	$(go_test)

test-gitops: ## judge every recorded object as Argo CD, kstatus and Flux do
	$(go_test)

soak: ## simulate for MINUTES=1 or more, going on where the last one stopped
	cargo run --quiet --locked --package simulation --bin soak -- --minutes $(or $(MINUTES),1)

replay: ## tell the story of one simulated schedule: SEED=n
	@cargo run --quiet --locked --package simulation --bin soak -- --replay $(or $(SEED),0)

bench: assets ## measure speed, memory and calls, and write docs/performance.md: ONLY=storm,memory RUNS=5
	ONLY="$(ONLY)" RUNS="$(RUNS)" cargo bench --locked --bench performance

fmt: ## format the code
	cargo fmt --all

check-fmt: ## check the format
	cargo fmt --all --check

lint: ## run clippy, with warnings as errors
	cargo clippy --locked --workspace --all-targets -- --deny warnings

deny: ## check licences, banned crates and sources of the dependencies
	hack/tools/cargo-deny --locked check --hide-inclusion-graph licenses bans sources

crds: ## generate the CRDs from the code
	$(build)
	@mkdir -p crds
	@for crd in $(crds); do \
		file=crds/$$crd.yaml; \
		$(operator) crd $$crd >$$file.new && mv $$file.new $$file || { rm -f $$file.new; exit 1; }; done

check-crds: ## check that the generated CRDs are committed
	$(build)
	@for crd in $(crds); do \
		$(operator) crd $$crd | diff -u crds/$$crd.yaml - || { echo "crds/$$crd.yaml is not what the code says: run make crds" >&2; exit 1; }; done

deploy: crds ## generate what is generated in deploy/: the chart's copies and the kustomize base
	hack/deploy write

check-deploy: ## check that what is generated in deploy/ is committed
	hack/deploy check

recorded: ## write the objects in tests/gitops/objects, as the code would
	UPDATE_RECORDED=1 cargo test --locked --quiet --test plan recorded::

docs: ## write what follows from the code: tables in docs, the reference, deploy/gitops/argocd/argocd-cm.yaml
	UPDATE_DOCS=1 cargo test --locked --quiet --test docs --test monitoring -- what_the_code_says
	UPDATE_DOCS=1; export UPDATE_DOCS; $(go_test)

check-workflows: ## check the workflows of GitHub
	hack/tools/actionlint -shellcheck= -pyflakes=

picture: assets ## draw docs/pictures/dashboard.svg from a run of five minutes, by a real Prometheus
	$(build)
	hack/monitoring/picture "$(target_dir)/debug" docs/pictures/dashboard.svg

pictures: assets ## draw docs/pictures/plan.svg and watch.svg from real runs in a terminal
	UPDATE_PICTURES=1 cargo test --locked --quiet --test plugin picture::

clean-cache: ## remove the built control plane and tools
	rm -rf '$(cache)'
