# Everything here needs Python 3.11+, make and the package registry, and nothing else. Options: make test ARGS='-k groq'
PY := .venv/bin/python

# else importing LiteLLM fetches a price list
export LITELLM_LOCAL_MODEL_COST_MAP := True
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHON
unexport PYTHONPATH PYTHONHOME

.DEFAULT_GOAL := help
.PHONY: help run test test-dates compat check format-check lint types format lock screenshots clean venv venv-run

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s%s\n", $$1, $$2 }' Makefile

run: venv-run ## Start the router's status page on http://127.0.0.1:8888; without keys, with simulated providers
	@exec $(PY) -m router_config.cli serve --demo-without-keys $(ARGS)

test: venv ## Run the tests, as many files at once as there are processors, four at most
	@$(PY) -m pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

test-dates: venv ## Run the tests that depend on the date at other dates: up to 400 days ahead, over a midnight and a new year
	@$(PY) -m pytest -n auto --maxprocesses 4 --dist worksteal -m machine_clock --dates $(ARGS)

compat: venv ## Test against the lowest, recent, locked and newest LiteLLM; ARGS=1.110.2 one of them, ARGS=--help says more
	@$(PY) scripts/compat.py $(ARGS)

check: format-check lint types ## Check format, lint and types

format-check: venv
	@$(PY) -m ruff format --check .

lint: venv
	@$(PY) -m ruff check .

types: venv
	@$(PY) -m mypy

format: venv ## Format the code, and mend what the linter can
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix .

lock: venv ## Write both locks anew from pyproject.toml; ARGS=--upgrade takes the newest versions
	@$(PY) -m pip install --quiet --upgrade --target build/uv uv
	@build/uv/bin/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes \
	    --no-config --no-emit-index-url --custom-compile-command 'make lock' --quiet $(ARGS) -o requirements.lock
	@build/uv/bin/uv pip compile pyproject.toml --group build --extra metrics --extra redis --extra terminal -c requirements.lock \
	    --universal --python-version 3.11 --generate-hashes --no-config --no-emit-index-url --no-annotate \
	    --custom-compile-command 'make lock' --quiet -o requirements-run.lock

screenshots: venv ## Write the pictures in docs/ anew; needs Chromium
	@PYTHONPATH=tests $(PY) scripts/screenshots.py

clean: ## Remove the environment and all caches
	@rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

venv: # up to date already: nothing happens
	@sh scripts/venv.sh

venv-run: # without what only tests need
	@sh scripts/venv.sh run
