# make up      serve the examples, trained, at http://127.0.0.1:8000
# make test    all that CI runs: lint, types and every test that this machine can run
# make quick   the same without the slow tests
#
# Everything is installed into .venv, at the exact versions of constraints.txt. Another Python: make up PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
INPUTS := pyproject.toml constraints.txt
AIRFLOW := build/airflow
AIRFLOW_INPUTS := integrations/airflow/requirements.txt integrations/airflow/constraints.txt

.DEFAULT_GOAL := help
.PHONY: help up dev test quick lint types bench docs pictures services airflow constraints clean

help:
	@sed -n 's/^# \{0,1\}//p; /^$$/q' Makefile

up: $(VENV)/.installed
	$(BIN)/python examples/digits/make.py
	$(BIN)/winnow --project examples up --train

dev: $(VENV)/.installed-dev

test: dev services airflow lint types
	$(BIN)/pytest -n 2

quick: dev lint types
	$(BIN)/pytest -n 2 -m "not slow"

lint: dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports

types: dev
	$(BIN)/mypy

bench: $(VENV)/.installed-bench
	$(BIN)/python benchmarks/run.py

docs: dev
	$(BIN)/python -m docs.generate

pictures: dev
	$(BIN)/python -m docs.pictures

# What some tests need of the system. Where it cannot be installed, they are skipped and say so.
services:
	@{ ls /usr/lib/postgresql/*/bin/initdb && command -v redis-server && command -v chromium; } >/dev/null 2>&1 || \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		export DEBIAN_FRONTEND=noninteractive && apt-get update -qq && \
		apt-get install -qq --no-install-recommends postgresql redis-server; \
		apt-get install -qq --no-install-recommends chromium fonts-dejavu-core; \
	fi || true
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || echo "PostgreSQL is not installed: its tests are skipped"
	@command -v redis-server >/dev/null || echo "redis-server is not installed: its tests are skipped"
	@command -v chromium >/dev/null || echo "chromium is not installed: the tests of the page in a browser are skipped"

# An environment of its own for the test of the DAG. Where it cannot be installed, that test is skipped and says so.
airflow:
	@$(MAKE) --no-print-directory $(AIRFLOW)/.installed || echo "Airflow is not installed: the test of its DAG is skipped"

# The newest versions that go together, from a fresh environment. Run the tests before committing them.
constraints:
	rm -rf build/fresh && $(PYTHON) -m venv build/fresh
	build/fresh/bin/python -m pip --disable-pip-version-check --quiet install -e ".[dev,bench]"
	sed '/^#/!d' constraints.txt > build/constraints.txt
	build/fresh/bin/python -m pip freeze --exclude-editable | grep -E '^[A-Za-z0-9_.-]+==' >> build/constraints.txt
	mv build/constraints.txt constraints.txt
	rm -rf $(AIRFLOW) && $(PYTHON) -m venv $(AIRFLOW)
	$(AIRFLOW)/bin/python -m pip --disable-pip-version-check --quiet install -r integrations/airflow/requirements.txt
	sed '/^#/!d' integrations/airflow/constraints.txt > build/constraints.txt
	$(AIRFLOW)/bin/python -m pip freeze | grep -E '^[A-Za-z0-9_.-]+==' >> build/constraints.txt
	mv build/constraints.txt integrations/airflow/constraints.txt
	touch $(AIRFLOW)/.installed

clean:
	rm -rf $(VENV) build dist examples/.winnow examples/digits/images examples/digits/library

$(VENV)/.installed: $(INPUTS) | $(BIN)/python
	$(PIP) install -c constraints.txt -e ".[ui]"
	@touch $@

$(VENV)/.installed-dev: $(INPUTS) | $(BIN)/python
	$(PIP) install -c constraints.txt -e ".[dev]"
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-bench: $(INPUTS) | $(BIN)/python
	$(PIP) install -c constraints.txt -e ".[dev,bench]"
	@touch $@ $(VENV)/.installed $(VENV)/.installed-dev

$(AIRFLOW)/.installed: $(AIRFLOW_INPUTS) | $(BIN)/python
	rm -rf $(AIRFLOW) && $(BIN)/python -m venv $(AIRFLOW)
	$(AIRFLOW)/bin/python -m pip --disable-pip-version-check --quiet install \
		-r integrations/airflow/requirements.txt -c integrations/airflow/constraints.txt
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Winnow needs Python 3.11 or newer, and '$(PYTHON)' is $$($(PYTHON) --version 2>&1)."; \
		echo "Name another one: make up PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "'$(PYTHON)' cannot make environments. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
