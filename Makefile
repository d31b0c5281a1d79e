# Everything that a person or CI does with this repository. Needs Python 3.11 or newer, git and make.
# Not `make -j`: the targets share one environment and one sample store.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
PYTHON312 ?= $(shell for p in python3.12 "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.12*/bin/python3.12; do \
	"$$p" -c '' 2>/dev/null && { echo "$$p"; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
SAMPLE := .outlay-sample
# The sample month has settings of its own, which `outlay sample` writes.
OUTLAY := $(BIN)/outlay --store $(SAMPLE)/store --config $(SAMPLE)/files/outlay.yaml
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
# pytest-xdist starts this many workers; the suite must also pass with WORKERS=0.
WORKERS ?= 2
TESTS ?=

.DEFAULT_GOAL := setup
.PHONY: setup dev run assess test test-slow bench lint types check validate-focus docs lock python312 clean
.NOTPARALLEL:

setup: $(VENV)/.outlay-runtime

dev: $(VENV)/.outlay-dev

$(VENV)/pyvenv.cfg:
	@test -n "$(PYTHON)" || { echo "Outlay needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/.outlay-runtime: requirements/lock.txt pyproject.toml | $(VENV)/pyvenv.cfg
	$(PIP) install --require-hashes -r requirements/lock.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@
	@echo "$(BIN)/outlay is ready"

$(VENV)/.outlay-dev: requirements/dev.txt $(VENV)/.outlay-runtime
	$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

# The sample month as it would look now, replayed as live traffic from here on. A day's is made once; older ones go away.
DAY := $(shell date -u +%Y-%m-%d)
LIVE := $(SAMPLE)/live/$(DAY)
UP := $(BIN)/outlay --store $(LIVE)/store --config $(LIVE)/files/outlay.yaml
run: setup
	@find $(SAMPLE)/live -mindepth 1 -maxdepth 1 ! -name $(DAY) -exec rm -rf {} + 2>/dev/null || true
	@test -f $(LIVE)/files/outlay.yaml || $(BIN)/outlay sample --live $(LIVE)/files >/dev/null
	@$(UP) import $(LIVE)/files/bills $(LIVE)/files/calls $(LIVE)/files/gpu $(LIVE)/files/outputs $(LIVE)/files/runs $(LIVE)/files/usage
	@$(UP) assess --html report.html
	@if [ -t 1 ]; then $(UP) up; else echo "No terminal, so nothing is served. To look at it live: $(UP) up"; fi

# Files already imported are recognised, so that a second run changes nothing.
assess: setup
	@$(BIN)/outlay sample $(SAMPLE)/files >/dev/null
	@$(OUTLAY) import $(SAMPLE)/files
	@$(OUTLAY) assess --html report.html
	@echo "Ask more: $(OUTLAY) costs --by team,model"

test: dev
	$(BIN)/python -m pytest -n $(WORKERS) $(TESTS)

test-slow: dev
	$(BIN)/python -m pytest -m slow $(TESTS)

bench: dev
	$(BIN)/python -m bench

lint: dev
	$(BIN)/ruff check .

types: dev
	$(BIN)/mypy

check: lint types test

docs: dev
	$(BIN)/python scripts/docs.py

python312:
	@echo "$(PYTHON312)"

# The FOCUS project's own validator, which needs its own older libraries and Python 3.12.
validate-focus: setup
	@test -n "$(PYTHON312)" || { echo "make validate-focus needs Python 3.12" >&2; exit 1; }
	test -x .venv-focus/bin/python || $(PYTHON312) -m venv .venv-focus
	.venv-focus/bin/python -m pip --disable-pip-version-check -qq install --require-hashes -r requirements/focus-validator.txt
	@$(BIN)/outlay sample $(SAMPLE)/files >/dev/null
	@$(OUTLAY) import $(SAMPLE)/files
	@$(OUTLAY) export focus $(SAMPLE)/focus.parquet
	.venv-focus/bin/python scripts/validate_focus.py $(SAMPLE)/focus.parquet

# The newest versions that pyproject.toml allows, for every platform and every Python from 3.11 on; no index addresses.
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --upgrade
lock: dev
	$(COMPILE) --python-version 3.11 --group build pyproject.toml -o requirements/lock.txt
	$(COMPILE) --python-version 3.11 --group build --group dev --all-extras --constraint requirements/lock.txt pyproject.toml -o requirements/dev.txt
	$(COMPILE) --python-version 3.12 requirements/focus-validator.in -o requirements/focus-validator.txt

clean:
	rm -rf $(VENV) .venv-focus $(SAMPLE) report.html .pytest_cache .mypy_cache .ruff_cache .hypothesis
