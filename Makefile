# The one entry: what can be built, tried, tested and measured here. `make` alone lists it.
# Every target installs what it needs on Debian (with sudo unless run as root) and names what is missing elsewhere.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

target := $(or $(CARGO_TARGET_DIR),target)
cache := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/sanchar
stack := deploy/stack/stack
with_stack := deploy/stack/with-stack
deny := $(cache)/tools/bin/cargo-deny
# Another client than ours, for the test that a recipient needs none of our code. A folder for each list of packages.
foreign := tests/e2e/foreign/requirements.txt
python_folder := $(cache)/python-$(firstword $(shell cksum $(foreign)))
python := $(python_folder)/bin/python
# What judges files for Kubernetes and for containers.
checks := deploy/checks/requirements.txt
checks_folder := $(cache)/python-$(firstword $(shell cksum $(checks)))

# Most end-to-end tests wait most of the time: for a session to end, a broker to come back, a transaction to time out.
test_threads := $(shell n=$$(nproc); echo $$((n > 4 ? n : 4)))

STACK ?=
DEMO_ARGS ?=
TEST_ARGS ?=
BENCH_ARGS ?=

.PHONY: help
help: ## list the targets
	@printf 'usage: make TARGET [VARIABLE=VALUE]\n\n'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' Makefile
	@printf '\nExamples:\n'
	@printf '  make demo                          see events cross state lines, with nothing installed\n'
	@printf '  make demo STACK=kafka              the same on a real broker\n'
	@printf '  make demo DEMO_ARGS="--help"       what the demonstration can be told\n'
	@printf '  make test                          everything that must hold before a change goes in\n'
	@printf '  make test TEST_ARGS="-p sanchar-tests --test e2e"   only some of the tests, after all other checks\n'
	@printf '  make faults EPISODES=200 SEED=7    exactly once, attacked two hundred times\n'
	@printf '  make bench BENCH_ARGS="--help"     what the benchmark can be told\n'

# ---- what must be installed ---------------------------------------------------------------------------------------

needs_to_build := rust c++ cmake pkg-config openssl zlib
needs_to_test := java maven python-venv kcat shellcheck postgresql systemd-analyze promtool
needs_to_package := debhelper
needs_to_test_package := debhelper lintian debootstrap mandoc

.PHONY: deps-build
deps-build:
	@deploy/stack/needs $(needs_to_build)

.PHONY: deps
deps: ## install what building and testing need
	@deploy/stack/needs $(needs_to_build) $(needs_to_test)

# ---- daily work ---------------------------------------------------------------------------------------------------

.PHONY: build
build: deps-build ## build everything
	cargo build --workspace --locked

.PHONY: demo
ifeq ($(STACK),)
demo: deps-build ## see events cross state lines; STACK=kafka uses a real broker, DEMO_ARGS are passed on
	@cargo run --locked --quiet -p sanchar -- demo $(DEMO_ARGS)
else ifeq ($(STACK),kafka)
demo: deps build
	@$(with_stack) sh -c 'exec cargo run --locked --quiet -p sanchar -- demo \
	  --kafka "$$SANCHAR_TEST_KAFKA" --registry "$$SANCHAR_TEST_REGISTRY" "$$@"' demo $(DEMO_ARGS)
else
demo:
	@echo "STACK may be kafka or nothing, not '$(STACK)'." >&2; exit 2
endif

.PHONY: fmt
fmt: ## format the Rust code
	cargo fmt --all

.PHONY: clean
clean: ## remove build output; neither downloads nor the stack's data
	cargo clean

# ---- checks -------------------------------------------------------------------------------------------------------

stages := $(target)/stages

# Runs one stage under its name and notes how long it took, whether it passed or not.
define stage
@printf '\n==> %s\n' '$(1)'; began=$$(date +%s); code=0; { $(2); } || code=$$?; \
if [[ $$code -eq 0 ]]; then result=passed; else result=FAILED; fi; \
printf '%6d s  %s: %s\n' $$(($$(date +%s) - began)) '$(1)' $$result >>$(stages); exit $$code
endef

.PHONY: test
test: ## all checks and tests, against a real broker and registry
	@mkdir -p $(target); : >$(stages); began=$$(date +%s); code=0; $(MAKE) test-stages || code=$$?; \
	printf '\nTime for each stage:\n'; cat $(stages); printf '%6d s  in all\n' $$(($$(date +%s) - began)); exit $$code

# The stack is fetched while cargo works. The stage of its own later waits for that, and repeats it if it failed, so
# that a failure is seen with its reason.
.PHONY: test-stages
test-stages: deps
	@nice $(stack) fetch >$(target)/stack-fetch.log 2>&1 </dev/null &
	$(call stage,format,cargo fmt --all --check)
	$(call stage,shell scripts,shellcheck $$(git grep --untracked -lE '^#!.*\b(bash|sh)$$'))
	$(call stage,units,deploy/systemd/check)
	$(call stage,alerts,deploy/monitoring/check)
	$(call stage,lints,cargo clippy --workspace --all-targets --locked -- -D warnings)
	$(call stage,documentation,RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked)
	$(call stage,build,cargo build --workspace --all-targets --locked)
	$(call stage,manifests,$(MAKE) $(checks_folder)/complete && $(checks_folder)/bin/python deploy/checks/manifests.py $(target)/debug)
	$(call stage,broker and registry,$(stack) fetch)
	$(call stage,foreign client,$(MAKE) $(python_folder)/complete)
	$(call stage,tests,rm -rf $(target)/stack-logs && SANCHAR_STACK_LOGS=$(abspath $(target))/stack-logs SANCHAR_TEST_PYTHON=$(abspath $(python)) RUST_TEST_THREADS=$(test_threads) $(with_stack) cargo test --workspace --locked $(TEST_ARGS))

# Complete when all is installed: one that was interrupted is made anew.
$(python_folder)/complete: requirements := $(foreign)
$(checks_folder)/complete: requirements := $(checks)
$(python_folder)/complete $(checks_folder)/complete: | deps
	rm -rf $(@D)
	python3 -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $(requirements)
	touch $@

$(deny):
	cargo install cargo-deny --locked --root $(cache)/tools

.PHONY: audit
audit: $(deny) ## licences, sources and duplicates of all dependencies
	$(deny) check licenses sources bans

.PHONY: audit-advisories
audit-advisories: $(deny) ## known vulnerabilities; needs the advisory database, which is fetched with git from outside
	$(deny) check advisories

# Not part of `make test`: a broker and a registry more, MirrorMaker 2, a download of its own, and a minute.
.PHONY: test-mirror
test-mirror: deps ## carry an inbox to another cluster with MirrorMaker 2, killed in the middle
	@$(stack) fetch
	@deploy/mirror/mirror fetch
	cargo build --workspace --locked
	$(with_stack) cargo test --locked -p sanchar-tests --test e2e -- --ignored mirror::

# The other version is compiled from its own sources into a folder of its own, which takes minutes the first time.
FROM ?=
former := $(target)/former
.PHONY: test-upgrade
test-upgrade: deps ## upgrade from the fan-out of the commit FROM and go back, under load
	@git rev-parse --verify --quiet '$(FROM)^{commit}' >/dev/null || { echo 'FROM must name a commit: make test-upgrade FROM=v0.1.0' >&2; exit 2; }
	@$(stack) fetch
	rm -rf $(former)/source && mkdir -p $(former)/source
	git archive $(FROM) | tar -x -C $(former)/source
	CARGO_TARGET_DIR=$(abspath $(former))/build cargo build --locked -p sanchar-fanout --manifest-path $(former)/source/Cargo.toml
	cargo build --workspace --locked
	SANCHAR_TEST_FORMER_FANOUT=$(abspath $(former))/build/debug/sanchar-fanout \
	  $(with_stack) cargo test --locked -p sanchar-tests --test e2e -- upgrade::

EPISODES ?= 20
SEED ?= $(shell date +%s)
ONLY ?=
.PHONY: faults
faults: deps ## break a running line at random, EPISODES times, and judge what it delivered; SEED and ONLY repeat
	@$(stack) fetch
	cargo build --workspace --locked
	$(target)/debug/faults --episodes $(EPISODES) --seed $(SEED) $(if $(ONLY),--only $(ONLY))

HOURS ?= 1
.PHONY: soak
soak: deps ## one line for HOURS at 200 events a second, with a fault every minute; draws what it showed
	@$(stack) fetch
	cargo build --workspace --locked
	$(target)/debug/faults soak --hours $(HOURS) --seed $(SEED)

prometheus := $(shell command -v prometheus || echo $${XDG_CACHE_HOME:-$$HOME/.cache}/sanchar/prometheus/usr/bin/prometheus)
.PHONY: drill
drill: deps ## let four things go wrong on a real line under a real Prometheus, and see which alerts fire; 45 minutes
	@$(stack) fetch
	cargo build --workspace --locked
	$(target)/debug/drill --prometheus $(prometheus)

.PHONY: bench
bench: deps ## throughput and latency in a release build; BENCH_ARGS are passed on
	cargo build --release --workspace --locked
	$(with_stack) cargo run --release --locked -p sanchar-tests --bin bench -- $(BENCH_ARGS)

# ---- packages -----------------------------------------------------------------------------------------------------

.PHONY: package
package: deps-build ## Debian packages of the release build, into target/packages
	@deploy/stack/needs $(needs_to_package)
	cargo build --release --locked -p sanchar-fanout -p sanchar-producer -p sanchar
	@deploy/debian/build $(target)/release $(target)/packages

# Not part of `make test`: it takes root, and minutes to make an empty Debian, which stays in the cache.
.PHONY: test-package
test-package: deps-build ## install, upgrade, remove and purge the packages in a Debian of their own; needs root
	@deploy/stack/needs $(needs_to_test_package)
	cargo build --locked -p sanchar-fanout -p sanchar-producer -p sanchar
	@deploy/debian/test --keep $(cache)/debian $(target)/debug

.PHONY: manifests
manifests: ## write the topics and users for Kubernetes anew, after a change to schemas/topics.toml
	cargo build --locked -p sanchar
	for what in topics users; do $(target)/debug/sanchar topics manifests $$what >deploy/kubernetes/$$what.yaml; done

# ---- a stack that stays -------------------------------------------------------------------------------------------

.PHONY: stack-start
stack-start: deps ## start a broker and a registry on this machine, and print how to reach them
	@$(stack) start
	@$(stack) env

.PHONY: stack-stop
stack-stop: ## stop them; topics and schemas stay
	@$(stack) stop

.PHONY: stack-wipe
stack-wipe: ## stop them and remove their data
	@$(stack) wipe
