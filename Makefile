# Two commands: `make demo` grades the sample class, `make test` checks everything. Both make their own environment.
# `make quick`, for the habit before each commit, is `make test` without the tests that are marked slow.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.ready

.PHONY: demo test quick lint types contract unit setup sandbox clean

setup: $(STAMP)

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "grader needs Python 3.11 or newer, this is %d.%d; try make PYTHON=python3.11" % sys.version_info[:2])'
	@$(PYTHON) -m venv .venv || { echo "could not make a virtual environment; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $(STAMP)

demo: $(STAMP) $(if $(SANDBOX),sandbox)
	@$(BIN)/python scripts/demo.py

test: $(STAMP) lint types contract unit

quick: $(STAMP) lint
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist worksteal -q -m 'not slow'

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(STAMP)
	$(BIN)/mypy

contract: $(STAMP)
	$(BIN)/lint-imports

unit: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist worksteal -q

sandbox:
	@sh scripts/install-sandbox.sh

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
