# Every target works in a fresh clone. `make quickstart` and `make test` are what the README names.

.PHONY: quickstart test bench check format fuzz crash chaos help

quickstart: ## Build rkat, find or start a model and hold a conversation
	@scripts/quickstart

test: ## Run every test: Swift, and the Python package against the built executable
	@scripts/prerequisites
	@scripts/test

bench: ## Measure the release build against the C floor
	@scripts/prerequisites
	@benchmarks/run --rkat "$$(scripts/build-release | tail -n 1)" $(BENCH)

check: ## What CI checks besides the tests: form, module directions, size, types
	@scripts/prerequisites
	@scripts/check

format: ## Put the sources into the form that `make check` asks for
	@swift format --in-place --recursive Sources Tests Package.swift

fuzz: ## Look for input that breaks the JSON reader (FUZZ_SECONDS, 60)
	@scripts/fuzz

crash: ## Kill a running rkat at random moments and check that nothing was lost (CRASH_KILLS, 40)
	@scripts/prerequisites
	@scripts/crash

chaos: ## Kill tool-using runs (CHAOS_KILLS, 500), then disturb several processes (CHAOS_SECONDS, 75), and check every promise
	@scripts/prerequisites
	@scripts/chaos --shell $(CHAOS)
	@scripts/chaos-many

help: ## Show this
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'
