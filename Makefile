# What developers type; CONTRIBUTING.md says when.

PYTHON = python
# setup.py writes these from src/pylstm.h.
GENERATED = pylstm/_engine.pxd pylstm/_c_api.pxi
CYTHON = $(filter-out $(GENERATED),$(wildcard pylstm/*.pyx pylstm/*.px[di]))

.PHONY: help build debug test-fast test lint format stubs amalgamation clean

help: ## these lines
	@echo 'First, in a virtual environment: pip install -e ".[test,lint]"'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s%s\n", $$1, $$2 }' Makefile

build: ## compile what has changed, for this checkout
	$(PYTHON) setup.py -q build_ext --inplace

debug: ## the same with checks and debug information; `make build` goes back
	PYLSTM_DEBUG=1 $(PYTHON) setup.py -q build_ext --inplace

test-fast: ## the tests that take under a minute together
	$(PYTHON) -m pytest -q -n auto -m "not slow"

test: ## all tests
	$(PYTHON) -m pytest -q

lint: stubs ## what must be silent before a change lands
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	cython-lint $(CYTHON)
	clang-format --dry-run --Werror src/*.h src/*/*.[ch]

format: ## Python and C as the linters want them
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .
	clang-format -i src/*.h src/*/*.[ch]

stubs: ## types, and the stubs of the extensions beside the extensions
	$(PYTHON) -m mypy.stubtest pylstm._engine pylstm._bulk --allowlist tests/stubtest.allow \
	    --mypy-config-file pyproject.toml
	$(PYTHON) -m mypy pylstm tests/type_checked_program.py

amalgamation: ## the core as one file: build/amalgamation/pylstm.c
	$(PYTHON) -m tools.amalgamate build/amalgamation

clean: ## remove what was built
	rm -rf build pylstm/*.so $(GENERATED)
