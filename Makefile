# Each command sets up .venv by itself, from Python 3.11 or newer.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TESTS ?= tests
# Processes that run tests; each has servers of its own
JOBS ?= 2
# Which PostgreSQL versions `make test` uses besides the newest: all, or a list such as 15,16
export PG

.PHONY: help demo test lint format check prove bench clean

help:
	@echo "make demo          store and search debates on SQLite, then on a throw-away PostgreSQL"
	@echo "make test          run the tests (PG=all: on every PostgreSQL that is found here)"
	@echo "make lint          ruff, strict type check, sqlfluff on every .sql file"
	@echo "make check         lint, prove the SQL files on both engines, then test"
	@echo "make prove         check every query, and the committed types of queries and stores"
	@echo "make bench         measure ratios against the raw drivers (BENCH='--rows 1000000')"
	@echo "make format        format the Python files"

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(READY)
	$(BIN)/aragora-sql demo

test: $(READY)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(TESTS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint --disable-progress-bar sql

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

check: lint prove test

prove: $(READY)
	$(BIN)/aragora-sql check $(CHECK)
	$(BIN)/aragora-sql stubs --check $(CHECK)
	$(BIN)/aragora-sql stores --check

bench: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,bench]'
	$(BIN)/python -m benchmarks $(BENCH)

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
