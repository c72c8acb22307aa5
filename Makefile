# What developers type; CONTRIBUTING.md says when.

# Outside of a virtual environment there is often no python, only python3.
PYTHON ?= $(if $(shell command -v python),python,python3)
# Says what is missing for a target, and which commands bring it.
NEEDS = @command -v $(PYTHON) >/dev/null || \
    { echo '$(PYTHON) is missing; expected Python 3.11 or later: Debian has it as python3-dev and python3-venv' >&2; exit 1; }; \
    $(PYTHON) tools/prerequisites.py
# setup.py writes these from src/pylstm.h.
GENERATED = pylstm/_engine.pxd pylstm/_c_api.pxi
CYTHON = $(filter-out $(GENERATED),$(wildcard pylstm/*.pyx pylstm/*.px[di]))

.PHONY: help build debug test-fast test lint format stubs amalgamation clean

help: ## these lines
	@echo 'First, once:'
	@echo '  python3 -m venv .venv && . .venv/bin/activate'
	@echo '  python -m pip install -e ".[test,lint]"'
	@echo 'The C library alone needs no Python: make -C src, or cmake -S . -B build. Then:'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s%s\n", $$1, $$2 }' Makefile

build: ## compile what has changed, for this checkout
	$(NEEDS) build
	$(PYTHON) setup.py -q build_ext --inplace

debug: ## the same with checks and debug information; `make build` goes back
	$(NEEDS) build
	PYLSTM_DEBUG=1 $(PYTHON) setup.py -q build_ext --inplace

test-fast: ## the quick tests
	$(NEEDS) test
	$(PYTHON) -m pytest -q -n auto -m "not slow and not builds"

test: ## all tests
	$(NEEDS) test
	$(PYTHON) -m pytest -q -n auto --dist worksteal
	$(PYTHON) -m pytest -q -n auto --dist worksteal -m builds

lint: stubs ## what must be silent before a change lands
	$(NEEDS) lint
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	cython-lint $(CYTHON)
	clang-format --dry-run --Werror src/*.h src/*/*.[ch]

format: ## Python and C as the linters want them
	$(NEEDS) format
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .
	clang-format -i src/*.h src/*/*.[ch]

stubs: ## types, and the stubs of the extensions beside the extensions
	$(NEEDS) stubs
	$(PYTHON) -m mypy.stubtest pylstm._engine pylstm._bulk --allowlist tests/stubtest.allow \
	    --mypy-config-file pyproject.toml
	$(PYTHON) -m mypy pylstm tests/type_checked_program.py

amalgamation: ## the core as one file: build/amalgamation/pylstm.c
	$(NEEDS) amalgamation
	$(PYTHON) -m tools.amalgamate build/amalgamation

clean: ## remove what was built
	rm -rf build pylstm/*.so $(GENERATED)
