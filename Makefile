# Everything here works on a fresh machine with Python 3.11 to 3.13 and make; each target sets up what it needs.
# PYTHON=/path/to/python chooses the interpreter.

VENV = .venv
BIN = $(VENV)/bin
PYTHON =

# The stamp says what the environment was made from. It is written last, so that a set-up that was interrupted, a
# changed pyproject.toml and a checkout that was moved are all noticed.
STAMP = $(VENV)/.made-from
WANTED = { pwd; cksum < pyproject.toml; }
SUPPORTED = import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
SAME = import sys; print(sys.base_prefix, sys.version)
PIP = $(BIN)/python -m pip --disable-pip-version-check --no-input install --quiet

# Steps of a check: each one runs whatever became of the others; how it went and how long it took is listed at the end.
STEPS = begun=$$(date +%s); failed=0; table=; \
	step() { \
	  name=$$1; shift; since=$$(date +%s); printf '\n==> %s\n' "$$*"; \
	  if "$$@"; then verdict=ok; else verdict=FAILED; failed=1; fi; \
	  table="$$table$$(printf '%-12s %-6s %5d s' "$$name" "$$verdict" $$(($$(date +%s) - since)))|"; \
	}; \
	finish() { \
	  printf '\n'; printf '%s' "$$table" | tr '|' '\n'; \
	  printf '%-12s %-6s %5d s\n' total "$$([ $$failed = 0 ] && echo ok || echo FAILED)" $$(($$(date +%s) - begun)); \
	  exit $$failed; \
	}
# The viewer's front end; a change of its sources is bundled again before anything that shows it.
NODE = PATH="$(CURDIR)/$(BIN):$$PATH"
BUNDLE = atlas/widgets/static/viewer.js
MODULES = widgets/node_modules/.package-lock.json
# Where a Chromium is looked for, by the browser tests too.
CHROMIUM = chromium chromium-browser google-chrome google-chrome-stable

LINT = step lint $(BIN)/ruff check; step format $(BIN)/ruff format --check; step types $(BIN)/mypy; \
	step viewer env $(NODE) npm --prefix widgets run --silent check

.PHONY: help setup viewer browser demo test lint clean

help:
	@echo 'make demo    build the demo atlas into atlas-demo/'
	@echo 'make test    lint, check types and run all tests, those in a browser too'
	@echo 'make lint    lint and check types'
	@echo 'make clean   remove the environment, caches and whatever was built'

setup:
	@begun=$$(date +%s); \
	suits() { "$$1" -c '$(SUPPORTED)' 2>/dev/null; }; \
	find_python() { \
	  if [ -n '$(PYTHON)' ]; then ! suits '$(PYTHON)' || echo '$(PYTHON)'; return; fi; \
	  for name in python3.13 python3.12 python3.11 python3; do \
	    if suits "$$name"; then echo "$$name"; return; fi; \
	  done; \
	}; \
	usable() { [ -f $(STAMP) ] && suits $(BIN)/python && $(BIN)/python -m pip --version >/dev/null 2>&1; }; \
	chosen() { [ -z '$(PYTHON)' ] || [ "$$('$(PYTHON)' -c '$(SAME)' 2>/dev/null)" = "$$($(BIN)/python -c '$(SAME)')" ]; }; \
	here() { [ "$$(head -n 1 $(STAMP))" = "$$(pwd)" ]; }; \
	if usable && chosen && here; then \
	  if $(WANTED) | cmp -s - $(STAMP); then exit 0; fi; \
	  echo 'pyproject.toml has changed: updating $(VENV)'; \
	else \
	  python=$$(find_python); \
	  if [ -z "$$python" ]; then \
	    echo 'No Python 3.11, 3.12 or 3.13 with venv found: install one (Debian, Ubuntu: apt install python3-venv; macOS: brew install python@3.13) or name it: make PYTHON=/path/to/python' >&2; \
	    exit 1; \
	  fi; \
	  echo "Making $(VENV) with $$("$$python" --version)"; \
	  "$$python" -m venv --clear $(VENV) || exit 1; \
	fi; \
	rm -f $(STAMP); \
	echo 'Installing the package and its tools. The first time this downloads a few gigabytes, PyTorch above all.'; \
	$(PIP) --upgrade pip && $(PIP) --editable '.[dev]' && $(WANTED) > $(STAMP).part && mv $(STAMP).part $(STAMP) || exit 1; \
	echo "$(VENV) is ready after $$(($$(date +%s) - begun)) s"

viewer: setup
	@$(MAKE) --no-print-directory $(BUNDLE)

$(MODULES): widgets/package-lock.json widgets/package.json
	@$(NODE) npm --prefix widgets ci --silent && touch $@

# The folder is newer than the bundle when a source was added or deleted.
$(BUNDLE): $(MODULES) widgets/build.mjs widgets/package.json widgets/tsconfig.json widgets/src $(wildcard widgets/src/*)
	@$(NODE) npm --prefix widgets run --silent build

# Debian's own, with the fonts that the reference pictures were made with.
browser:
	@for name in $(CHROMIUM); do if command -v "$$name" >/dev/null; then exit 0; fi; done; \
	if [ "$$(uname)" = Darwin ] && [ -d '/Applications/Google Chrome.app' ]; then exit 0; fi; \
	if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	  echo 'Installing chromium for the browser tests'; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; \
	else \
	  echo 'The browser tests need a Chromium: install one (Debian, Ubuntu: apt install chromium; macOS: Google Chrome).' >&2; exit 1; \
	fi

demo: viewer
	@begun=$$(date +%s); \
	$(BIN)/atlas demo && echo "make demo took $$(($$(date +%s) - begun)) s"

test: viewer browser
	@$(STEPS); $(LINT); step tests $(BIN)/pytest; finish

lint: viewer
	@$(STEPS); $(LINT); finish

clean:
	rm -rf $(VENV) dist build atlas-demo widgets/node_modules atlas/widgets/static .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
