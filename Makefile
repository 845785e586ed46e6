# `make run` and `make test` are the two that a newcomer needs.
#   make run [PORT=8000]       the site with demo content, on this machine
#   make test [ARGS="-k name"] every test, on SQLite and on PostgreSQL; REQUIRE_ALL=1 forbids gaps
#   make lint | format         what the code must look like | make it so
#   make lock                  renew the lock files from pyproject.toml
#   make bench | soak          measure | wear
#   make screenshots           every kind of page as people see it, in var/screenshots/
#   make guide                 the pictures of the guides in docs/, from the demo
#   make clean                 remove the environment and caches; the database in var/ stays

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test lint format lock bench soak screenshots guide clean runtime dev venv

help:
	@sed -n '/^$$/q; s/^# \{0,1\}//p' Makefile

run: runtime
	@$(BIN)/python -m config.serve

test: dev
	@$(BIN)/python -m tests.run $(ARGS)

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	find . -path '*/templates/*' -name '*.html' -not -path './.venv/*' -exec $(BIN)/djade --target-version 5.2 --check {} +
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run

format: dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	find . -path '*/templates/*' -name '*.html' -not -path './.venv/*' -exec $(BIN)/djade --target-version 5.2 {} +

# The development file repeats every version of the first, so that the tests run what is deployed.
COMPILE = $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--upgrade --no-emit-index-url --custom-compile-command 'make lock' pyproject.toml
lock: dev
	$(COMPILE) --output-file requirements.txt
	$(COMPILE) --group dev --constraints requirements.txt --output-file requirements-dev.txt

bench: dev
	@$(BIN)/python -m tests.bench $(ARGS)

soak: dev
	@$(BIN)/python -m tests.soak $(ARGS)

screenshots: dev
	@$(BIN)/python -m tests.screenshots $(ARGS)

guide: dev
	@$(BIN)/python -m tests.guide $(ARGS)

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	rm -rf var/test var/static var/static.stamp test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment remembers which lock file it was filled from. Where that is unchanged nothing is
# installed, and nothing asks the network.
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes

runtime: venv
	@cmp -s requirements.txt $(VENV)/installed.txt || { \
	  echo 'Installing requirements.txt …'; rm -f $(VENV)/installed.txt; \
	  $(INSTALL) -r requirements.txt && cp requirements.txt $(VENV)/installed.txt; }

dev: venv
	@cmp -s requirements-dev.txt $(VENV)/installed-dev.txt || { \
	  echo 'Installing requirements-dev.txt …'; rm -f $(VENV)/installed.txt $(VENV)/installed-dev.txt; \
	  $(INSTALL) -r requirements-dev.txt && cp requirements.txt $(VENV)/installed.txt \
	    && cp requirements-dev.txt $(VENV)/installed-dev.txt; }

venv:
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
	  command -v $(PYTHON) >/dev/null || { \
	    echo 'Kollekt needs Python 3.11 or newer, and $(PYTHON) was not found: apt install python3 python3-venv'; \
	    exit 1; }; \
	  $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo 'Kollekt needs Python 3.11 or newer, and this is' \
	      "$$($(PYTHON) --version 2>&1)". 'Name another one: make run PYTHON=python3.12'; \
	    exit 1; }; \
	  echo 'Making the virtual environment $(VENV) …'; rm -rf $(VENV); \
	  $(PYTHON) -m venv $(VENV) >$(VENV).log 2>&1 && rm -f $(VENV).log || { \
	    cat $(VENV).log; rm -rf $(VENV) $(VENV).log; \
	    echo; echo 'The virtual environment could not be made. On Debian and Ubuntu: apt install python3-venv'; \
	    exit 1; }; }
