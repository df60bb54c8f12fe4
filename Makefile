# `make demo` and `make test` set up what they need; nothing has to be installed by hand.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
ARGS ?=

export DO_NOT_TRACK = 1
export PREFECT_SERVER_ANALYTICS_ENABLED = false

.PHONY: demo up test fast long lint bench lock dask clean

demo: $(READY)   ## a day of trade through everything; ARGS='--once --json' for machines
	@$(BIN)/hub demo $(ARGS)

up: $(READY)     ## start the hub and keep it running
	@$(BIN)/hub up $(ARGS)

test: fast       ## all tests: fast ones first, then those on a running hub and in a browser
	@bash tests/browser/install_chromium.sh
	@$(BIN)/python -m pytest -n 2 --maxschedchunk 1 tests/browser tests/system -m "not long" $(ARGS)

long: $(READY)   ## the tests on a running hub that take half a minute each and more
	@$(BIN)/python -m pytest tests/system -m long $(ARGS)

fast: $(READY)   ## the tests that need neither a running hub nor a browser, on two cores
	@$(BIN)/python -m pytest -n 2 --ignore=tests/system --ignore=tests/browser $(ARGS)

lint: $(READY)   ## style, types, import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(READY)  ## the figures of docs/performance.md, measured on this machine
	@$(BIN)/python -m benchmarks.run $(ARGS)

lock: $(READY)   ## resolve all dependencies again (see docs/decisions/001-pins.md)
	@$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
		--exclude-newer 2026-10-08 --generate-hashes --no-header --quiet -o requirements.lock
	@$(BIN)/uv pip compile pyproject.toml --extra dask -c requirements.lock --universal \
		--python-version 3.11 --exclude-newer 2026-10-08 --generate-hashes --no-header --quiet \
		-o requirements-dask.lock

dask: $(READY)   ## what simulations on a Dask cluster need besides (HUB_DASK)
	@VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --require-hashes -r requirements-dask.lock

clean:           ## remove the environment; the data in .hub stays
	@rm -rf .venv

$(READY): requirements.lock tools.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tools.lock
	@VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --require-hashes -r requirements.lock
	@VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --no-deps --editable .
	@touch $(READY)
