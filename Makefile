# The front door. Every target sets up what it needs; `make` alone lists them.

PYTHON      ?= python3
VENV        ?= .venv
ALEN_HOME   ?= $(CURDIR)/.alen
ACCELERATOR ?= cpu
PIP_INDEX   ?=
PYTEST_ARGS ?=
WORKERS     ?= 3

BIN   := $(VENV)/bin
PIP   := $(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt
TORCH := $(shell sed -n 's/^torch==//p' constraints.txt)
export ALEN_HOME

.DEFAULT_GOAL := help
.PHONY: help setup models demo test torture check format bench train-demo clean distclean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  PYTHON=$(PYTHON) (3.11 or newer)   ACCELERATOR=cpu|gpu   ALEN_HOME=$(ALEN_HOME)"

setup: $(VENV)/.ready ## Make the environment in .venv
	@echo "Ready: source $(BIN)/activate"

models: $(ALEN_HOME)/models/.ready ## Pull the two default models into ALEN_HOME, and compile kernels for them
	@$(BIN)/alen models list

demo: $(ALEN_HOME)/models/.ready ## Teach ALEN a small handbook and ask it six questions
	@$(BIN)/python examples/demo.py

# Tests of one file stay together: they share servers and models. In the order of the folders: by number of tests, as
# xdist would have it, the slowest file of all comes last and one of the workers waits for it. Much of their time they
# wait, so that three keep two cores busy; threads of one would take a core from another and spin for it.
test: $(VENV)/.ready-dev $(ALEN_HOME)/models/.ready ## Run every test (make test PYTEST_ARGS="-m 'not slow'")
	@OMP_NUM_THREADS=1 ALEN_TEST_HOME=$(ALEN_HOME) $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

torture: $(VENV)/.ready-dev ## Kill, starve and damage memory as often as promised (hours)
	@ALEN_TORTURE=full $(BIN)/python -m pytest tests/memory/torture -vv --durations=10 $(PYTEST_ARGS)

check: $(VENV)/.ready-dev ## Lint, types, layers, file sizes, docs in step with the code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/house -m "not slow and not models"

format: $(VENV)/.ready-dev ## Put every file into the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.ready-dev $(ALEN_HOME)/models/.ready ## Measure the main job: make bench DATA=folder/of/squad2
	@test -n "$(DATA)" || { echo "make bench needs the folder of the data: make bench DATA=path/to/squad2" >&2; exit 2; }
	$(BIN)/python benchmarks/main_job.py "$(DATA)"

train-demo: $(VENV)/.ready-dev ## Train ALEN micro for four minutes: make train-demo TEXT=a/text/file.txt
	@test -f "$(TEXT)" || { echo "make train-demo needs a text: make train-demo TEXT=path/to/text.txt" >&2; exit 2; }
	@$(BIN)/python benchmarks/train_demo.py "$(TEXT)" --alone --out $(ALEN_HOME)/train_demo.json

clean: ## Delete caches and build outputs
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

distclean: clean ## Delete .venv and .alen too: environment, models, memory
	rm -rf $(VENV) $(CURDIR)/.alen

# torch first: its CPU build is a tenth of the size of the CUDA build that a plain install takes on Linux. Where the
# index in use has no such build, PIP_INDEX="--extra-index-url URL" names one that has, as torch's own page tells.
$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "ALEN needs Python 3.11 or newer: make PYTHON=python3.12" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing torch $(TORCH) and ALEN into $(VENV) (a few minutes the first time)"
	@if [ "$(ACCELERATOR)" = cpu ]; then \
		$(PIP) $(PIP_INDEX) "torch==$(TORCH)+cpu" 2>/dev/null || \
		$(PIP) torch; \
	fi
	@$(PIP) -e '.[$(ACCELERATOR),chat]'
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready
	@echo "Installing the tools for tests and checks"
	@$(PIP) -e '.[$(ACCELERATOR),chat,dev]'
	@touch $@

# Without a C++ compiler torch computes everything.
$(ALEN_HOME)/models/.ready: | $(VENV)/.ready
	@$(BIN)/alen models pull smollm2-135m-instruct
	@$(BIN)/alen models pull all-minilm-l6-v2
	-@$(BIN)/alen models optimize
	@touch $@
