# One command each. The tools come with: pip install -e ".[lint]"

.PHONY: lint format stubs

lint: stubs
	ruff check .
	ruff format --check .
	cython-lint pylstm
	clang-format --dry-run --Werror src/*.h src/*/*.[ch]

format:
	ruff check --fix .
	ruff format .
	clang-format -i src/*.h src/*/*.[ch]

stubs:
	python -m mypy.stubtest pylstm._engine pylstm._bulk --allowlist tests/stubtest.allow --mypy-config-file pyproject.toml
	python -m mypy pylstm
