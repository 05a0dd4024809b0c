# crossmargin: every target does its own set-up on a machine that has Python 3.11+.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(or $(shell command -v uv),$(BIN)/uv)
PYTEST := $(BIN)/pytest

.PHONY: help demo test check docs differential bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "%-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The environment is exactly uv.lock. Where there is no uv, pip puts one into the environment itself.
$(VENV)/.users: pyproject.toml uv.lock
	@command -v $(UV) >/dev/null || { $(PYTHON) -m venv $(VENV) && $(BIN)/pip install --quiet uv; }
	@$(UV) sync --quiet --locked --no-default-groups --inexact && touch $@

$(VENV)/.dev: $(VENV)/.users
	@$(UV) sync --quiet --locked --inexact && touch $@

demo: $(VENV)/.users ## serve the bundled recording: no network, no node
	@$(BIN)/crossmargin demo $(ARGS)

test: $(VENV)/.dev ## every test that needs no long run
	@$(PYTEST) -q -rs -n 2 --dist loadgroup

check: $(VENV)/.dev ## format, lint, types, wheel
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/pyright
	@$(PYTEST) -q tests/test_packaging.py tests/test_docs.py

docs: $(VENV)/.dev ## write the generated parts of the documentation again
	@$(BIN)/python -m tests.documentation

differential: $(VENV)/.dev ## the long runs against real contracts on a local chain
	@$(PYTEST) -q -m differential -o addopts="--import-mode=importlib --strict-markers"

bench: $(VENV)/.dev ## the figures of docs/performance.md, as ratios in one run
	@$(BIN)/python bench/run.py

clean: ## remove what the targets made
	@rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
