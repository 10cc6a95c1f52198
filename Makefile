# make run        everything from a fresh clone: PBX, bridge, inbox, and a caller who leaves a note
# make test       everything that can be tested on this host (installs what it needs when root)
# make test-long  the long fuzz and kill runs too
# make check      formatting, lint, types (Python and JavaScript), vendored bundles
# make fast       the quick ones of the tests that need no PBX and no browser (about a minute)
# make bench      ratios against app_voicemail on one Asterisk, in one run
# make pictures   the README's pictures of the inbox, taken anew
# make lock       write the pinned dependencies anew

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NPM := npm --prefix web
# Each test starts many processes; without their bytecode each compiles the whole bridge, and pytest its tests.
unexport PYTHONDONTWRITEBYTECODE
# More than there are cores: these tests wait more than they work.
WORKERS := -n 6
FAST := not pbx and not browser and not hostile and not process and not container and not long

.PHONY: run test test-long check fast bench pictures lock vendor venv venv-dev web-tools

run: host-run venv
	@$(BIN)/python -m bridge.phone.demo

test: host-test check
	$(BIN)/pytest $(WORKERS) -m "$(FAST)"
	$(BIN)/pytest -m "browser and not long"
	$(BIN)/pytest -m "(pbx or hostile or process) and not browser and not long"
	$(BIN)/pytest -m "container and not long"

test-long: test
	$(BIN)/pytest -m long

fast: venv-dev
	$(BIN)/pytest $(WORKERS) -m "$(FAST) and not thorough"

check: venv-dev web-tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(NPM) run --silent check
	$(NPM) run --silent vendor
	git diff --exit-code -- web/js/vendor
	node --test tests/seal/*.test.js tests/page/*.test.js

bench: host-test venv-dev
	$(BIN)/python -m tests.bench

pictures: host-test venv-dev
	$(BIN)/python -m tests.browser.pictures web/pictures

vendor: web-tools
	$(NPM) run --silent vendor

lock:
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-header --extra phone --group build pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-header --extra phone --group dev pyproject.toml -o requirements-dev.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-header --constraint requirements.lock pyproject.toml -o docker/bridge.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-header --constraint requirements.lock --group build -o docker/build.lock

.PHONY: host-run host-test
host-run host-test: host-%:
	@PYTHON="$(PYTHON)" bridge/phone/prepare-host.sh $*

# One virtual environment; the stamp of the larger set serves the smaller one too.
venv: $(if $(wildcard $(VENV)/.dev),$(VENV)/.dev,$(VENV)/.run)
venv-dev: $(VENV)/.dev

PIP := $(BIN)/pip install --quiet --disable-pip-version-check
$(VENV)/.%: pyproject.toml
	@echo "Preparing the virtual environment (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --require-hashes -r $(filter %.lock,$^)
	@$(PIP) --no-build-isolation --no-deps --editable .
	@touch $@
$(VENV)/.run: requirements.lock | host-run
$(VENV)/.dev: requirements-dev.lock

web-tools: web/node_modules/.package-lock.json
web/node_modules/.package-lock.json: web/package-lock.json
	$(NPM) ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@
