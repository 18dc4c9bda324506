# make demo   set up, ingest examples/, ask questions over four stores, print cited answers
# make test   set up, run every check
# make docs   set up, build the manual into build/site
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

# uv installs in seconds, but does not read pip's settings: hand it the one that matters for torch.
ifdef PIP_FIND_LINKS
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)
endif
export RAGAS_DO_NOT_TRACK := true
export NO_MKDOCS_2_WARNING := 1
# Material for MkDocs prints a notice about its successor at each build.
export NO_MKDOCS_2_WARNING := 1

# Processes that run the tests, each with servers of its own (3 GB) and one thread for torch.
WORKERS ?= 2

.PHONY: demo test docs setup setup-dev lint clean

define install
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "hetarag needs Python 3.11 or newer: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@$(BIN)/python -m pip --version > /dev/null 2>&1 || $(BIN)/python -m ensurepip -q
	@$(BIN)/python -m uv --version > /dev/null 2>&1 || $(BIN)/python -m pip install -q uv
	@echo "installing hetarag[$(1)] into $(VENV)"
	@$(BIN)/python -m uv pip install -q --compile-bytecode --python $(BIN)/python -c constraints.txt -e '.[$(1)]' \
	  || $(BIN)/python -m pip install -q -c constraints.txt -e '.[$(1)]'
	@touch $@
endef

$(VENV)/.demo: pyproject.toml constraints.txt
	$(call install,local$(,)nlp)

$(VENV)/.dev: pyproject.toml constraints.txt
	$(call install,local$(,)nlp$(,)eval$(,)servers$(,)llamaindex$(,)peers$(,)docs$(,)dev)

, := ,

setup: $(VENV)/.demo
setup-dev: $(VENV)/.dev

demo: setup
	@$(BIN)/hetarag models install minilm-l6-int8 qwen2.5-coder-0.5b
	@$(BIN)/python examples/demo.py

test: setup-dev lint
	@$(BIN)/hetarag models install minilm-l6-int8 smollm2-135m
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --cov=hetarag --cov-report=term:skip-covered

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.reference_pages --check
	$(BIN)/mkdocs build --quiet --strict

docs: setup-dev
	$(BIN)/python -m tools.reference_pages
	$(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) build demo-kb
