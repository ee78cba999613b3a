# Every common task by name; "make help" lists them. CMakePresets.json has the build itself.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The programs of the main job. The targets that run tests and benchmarks build them.
PROGRAMS := semblance-trainer semblance-builder semblance-server semblance semblance-demo-report semblance-demo-loop-report
# The number of compilers at the same time. A file that includes LibTorch needs 1.1 GB.
JOBS ?= $(shell nproc)

BIN := build/release/bin
INSTALL := scripts/install_dependencies.sh
configure = cmake --preset $(1) --log-level=NOTICE
compile = cmake --build --preset $(1) --parallel $(JOBS)

.PHONY: help install install-bench build demo test test-cpus asan tsan package docs format lint clean

help: ## This list.
	@echo "Targets (installing Debian 12 packages where they need them; SEMBLANCE_SKIP_INSTALL=1 skips that):"
	@sed -En 's/^([a-z%-]+):.*## (.*)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do printf '  %-9s %s\n' "$$name" "$$text"; done

install: ## Install the Debian 12 packages that are missing.
	@$(INSTALL)

build: install ## Build the programs into build/release/bin.
	@$(call configure,release)
	@$(call compile,release) --target $(PROGRAMS)

demo: build ## Train, serve, search, then train again from the catalog and go live, on real images; DATA=DIR takes your own image folder.
	@scripts/demo.sh $(if $(DATA),"$(DATA)")

test: install ## Build everything and run the whole test suite.
	@$(call configure,release)
	@$(call compile,release)
	@ctest --preset release

test-cpus: install ## The tests that link LibTorch or FAISS, with the kernels that OpenBLAS and LibTorch take on other processors.
	@$(call configure,release)
	@$(call compile,release) --target $$(ctest --preset release -L '^(faiss|torch)$$' -LE slow --show-only | sed -En 's/^ *Test +#[0-9]+: (.*)/\1_test/p')
	@scripts/test_cpus.sh

asan: install ## The test suite under AddressSanitizer and UndefinedBehaviorSanitizer.
	@$(call configure,asan)
	@$(call compile,asan)
	@ctest --preset asan

tsan: install ## The tests labeled tsan under ThreadSanitizer.
	@$(call configure,tsan)
	@$(call compile,tsan) --target $$(ctest --preset tsan --show-only | sed -En 's/^ *Test +#[0-9]+: (.*)/\1_test/p')
	@ctest --preset tsan

package: install ## Build a Debian package: build/release/semblance_VERSION_ARCHITECTURE.deb.
	@$(call configure,release)
	@$(call compile,release) --target $(PROGRAMS) semblance-manual
	@cd build/release && cpack -G DEB

docs: build ## Write docs/cli.md anew from the --help of the programs.
	@scripts/generate_cli_docs.py $(BIN) --markdown=docs/cli.md

# The benchmark bench-training needs packages of its own.
bench-training: install-bench
install-bench:
	@$(INSTALL) --bench

# The data set of bench-convergence and bench-ablations when DATA is not given.
ifndef DATA
bench-convergence bench-ablations: build/bench/emoji/manifest.tsv
endif
build/bench/emoji/manifest.tsv:
	@bench/convergence/fetch_emoji.sh build/bench/emoji

bench-%: install ## Build and run one benchmark (bench/); its results go to build/bench/%.json. DATA=PATH: on other data.
	@$(call configure,release)
	@$(call compile,release) --target semblance-$@
	@mkdir -p build/bench
	@$(BIN)/semblance-$@ --output=build/bench/$*.json $(if $(DATA),--data="$(DATA)")

format: ## Format the C++ sources in place.
	@$(INSTALL) --lint
	@git ls-files -z '*.cc' '*.h' | xargs -0 --no-run-if-empty clang-format-14 -i

lint: ## Check format, clang-tidy (changed files; ALL=1: all), proto rules, scripts and documents; QUICK=1: all but what compiles for long.
	@$(INSTALL) --lint
	@scripts/lint.sh $(if $(QUICK),--quick) $(if $(ALL),--all)

clean: ## Remove everything that was built.
	@rm -rf build
