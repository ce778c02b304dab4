# Needs Python 3.11 or newer with venv, and make. The plain commands behind each target are in the README.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: play install test test-slow coverage check format bench bench-quick soak screenshots clean

play: $(VENV)/runtime
	$(BIN)/rectask playground

install: $(VENV)/dev

# One worker more than cores: many a test waits for a socket or a clock meanwhile. Compiled code is kept, for each worker
# and each process of a test imports all.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --numprocesses=$$(( 1 + $$(getconf _NPROCESSORS_ONLN) )) --dist=loadgroup

test: $(VENV)/dev
	$(PYTEST) -m "not slow" $(if $(COVERAGE),--cov)

# Processes that die, browsers, large sizes.
test-slow: $(VENV)/dev
	$(PYTEST) -m slow

# `make test`, and which lines and branches of bot/ it reaches.
coverage:
	$(MAKE) test COVERAGE=yes

check: $(VENV)/dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/dev
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: $(VENV)/dev
	$(BIN)/python -m benchmarks

# Every row of `make bench`, with small numbers and rough figures.
bench-quick: $(VENV)/dev
	$(BIN)/python -m benchmarks --quick

soak: $(VENV)/dev
	$(BIN)/python -m soak

# Needs Chromium and an emoji font (Debian: chromium, fonts-noto-color-emoji).
screenshots: $(VENV)/dev
	$(BIN)/python -m tests.browser.screenshots

clean:
	rm -rf $(VENV) .venv-bench .coverage .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

$(VENV)/runtime: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	touch $@

$(VENV)/dev: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@
