# Two commands: `make demo` grades the sample class, `make test` checks everything. Both make their own environment.
# `make bench` measures us beside nbgrader, otter and a student's loop, and writes the table of the README (half an hour).
# `make docs` builds the site over docs/ into build/site, `make screenshots` draws its pictures anew (with Chromium).
# `make native` builds two kernels of the training engine in C, which nothing else does.
# `make quick`, for the habit before each commit, is `make test` without the tests that are marked slow.
# `make demo LIGHT=1` needs no torch; `make demo ALL=1` trains every network of the class again; SANDBOX=0 and 1 say whether
# bubblewrap may be installed (without a word: by root with apt).
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.ready
LIGHT_STAMP := .venv/.light
DEMO_STAMP := .venv/.demo
DOCS_STAMP := .venv/.docs
RAY_STAMP := .venv/.ray
NEEDED := pyproject.toml constraints.txt

.PHONY: bench demo docs screenshots test ray test-ray native native-wheel quick lint types contract unit setup sandbox clean

setup: $(STAMP)

$(STAMP): LEVEL := dev
$(DEMO_STAMP): LEVEL := demo
$(LIGHT_STAMP): LEVEL := light
$(DOCS_STAMP): LEVEL := docs
$(STAMP) $(DEMO_STAMP) $(LIGHT_STAMP) $(DOCS_STAMP): $(NEEDED)
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "grader needs Python 3.11 or newer, this is %d.%d; try make PYTHON=python3.11" % sys.version_info[:2])'
	@$(PYTHON) scripts/environment.py $(LEVEL)
	@touch $@

# An environment that holds more will do.
ifneq ($(filter-out 0 no,$(LIGHT)),)
demo: $(firstword $(wildcard $(STAMP) $(DEMO_STAMP)) $(LIGHT_STAMP))
	@$(BIN)/python scripts/demo.py --light
else
demo: $(firstword $(wildcard $(STAMP)) $(DEMO_STAMP)) sandbox
	@$(BIN)/python scripts/demo.py $(if $(filter-out 0 no,$(ALL)),--all)
endif

docs: $(firstword $(wildcard $(STAMP)) $(DOCS_STAMP))
	@$(BIN)/python scripts/make_site.py

screenshots: $(STAMP)
	@$(BIN)/python scripts/make_screenshots.py

bench: $(STAMP)
	@$(BIN)/python -m benchmarks side_by_side --write README.md

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

# Its own extra, which [dev] does not hold: some 80 MB, and a minute and a half of tests. With a stamp of its
# own, since pip may change what grader stands on, which nobody may meet half done: .ci/run tests it beside
# everything else.
ray: $(RAY_STAMP)

$(RAY_STAMP): $(STAMP)
	@$(BIN)/python scripts/environment.py ray
	@touch $@

test-ray: ray
	OMP_NUM_THREADS=1 $(BIN)/pytest -q tests/ray

# Two kernels of the training engine in C, the extra `native`: a compiler, and some seconds. grader tries it beside
# torch when it first trains, and says which ran. Its wheel is the one built here: no index is asked for that name.
# `make native-wheel` builds that alone, and changes nothing of the environment: .ci/run does it beside tests.
WHEELS := build/wheels
WHEEL_STAMP := $(WHEELS)/.native
native-wheel: $(WHEEL_STAMP)

$(WHEEL_STAMP): $(STAMP) $(wildcard native/*.*)
	@rm -f $(WHEELS)/backprop_mnist_grader_native-*
	@$(BIN)/python -m pip wheel --disable-pip-version-check -qq --no-deps -w $(WHEELS) ./native
	@touch $@

native: $(WHEEL_STAMP)
	@$(BIN)/python -m pip install --disable-pip-version-check -qq --no-index --no-deps --force-reinstall $(WHEELS)/backprop_mnist_grader_native-*.whl
	@$(BIN)/python -m pip install --disable-pip-version-check -qq --no-index 'backprop-mnist-grader[native]'
	@$(BIN)/python -c 'from grader.execute.engine.ways.kernel_set import choice; print("kernels:", choice().kernels.value, *filter(None, [choice().why]))'

sandbox:
	@$(if $(filter 0 no,$(SANDBOX)),:,sh scripts/install-sandbox.sh $(if $(SANDBOX),asked,auto))

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
