# Two commands: `make book` and `make test`. Everything else is `cnnlab ...` (see `cnnlab --help`).
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.installed
PEERS := benchmarks/.venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
# One thread: beside one busy process, two threads make a small net many times slower.
export OMP_NUM_THREADS := 1
export PYTHONHASHSEED := 0

PYTEST := pytest -n 2 --dist loadfile -p no:cacheprovider
# timed(name, command): run it, say how long it took, keep its status
timed = @start=$$SECONDS; status=0; { $(2); } || status=$$?; echo "== $(1): $$((SECONDS - start)) s"; exit $$status
# site_of(environment): the folder of its packages
site_of = $$($(1)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

.PHONY: help book test test-all check serve bench clean install

help:
	@echo "make book      build the book into _build/html"
	@echo "make serve     build it and serve it on http://localhost:8000 (PORT=... for another)"
	@echo "make test      every test but the slow ones marked 'full'"
	@echo "make test-all  those too"
	@echo "make check     lint and fast tests, under 30 s"
	@echo "make bench     speed, side by side with the peers"
	@echo "make install   set up .venv, which the others do by themselves (PYTHON=... names another Python)"
	@echo "make clean     remove what was built (the environment stays; remove .venv by hand)"

install: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "cnnlab needs Python 3.11 or newer, and '$(PYTHON)' is $$($(PYTHON) -V 2>/dev/null || echo missing). Install one (apt-get install python3) or name it: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "Python's venv module is missing. Install it: apt-get install python3-venv" >&2; exit 1; }
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) (PyTorch is large: a few minutes the first time) ..."
	@$(VENV)/bin/python -m pip install $(if $(CI),--quiet) --disable-pip-version-check -c constraints.txt -e '.[book,grading,test]'
	@touch $@

book: $(READY)
	@python book/build.py $(if $(QUIET),-qq)
	@echo "The book: file://$(CURDIR)/_build/html/index.html"

serve: book
	@echo "http://localhost:$(or $(PORT),8000)  (Ctrl-C stops it)"
	@python -m http.server --bind localhost --directory _build/html $(or $(PORT),8000)

check: $(READY)
	@ruff check .
	@ruff format --check . 
	@$(PYTEST) -q -m "not slow and not browser and not gpu and not full" tests

test: $(READY)
	$(call timed,lint,ruff check . && ruff format --check .)
	$(call timed,book,$(MAKE) --no-print-directory book)
	$(call timed,tests,$(PYTEST) -m "not gpu and not full" --durations=15 tests)
	$(call timed,notebooks (nbval),$(PYTEST) --nbval --nbval-current-env --nbval-cell-timeout=60 chapters exercises/source)

test-all: test
	$(call timed,the slow rest,$(PYTEST) -m "full and not gpu" --durations=0 tests)

# The peers' own environment sees the one above, so that torch is not installed twice and is the same on both sides.
$(PEERS)/.installed: $(READY) benchmarks/requirements.txt
	@test -x $(PEERS)/bin/python || $(VENV)/bin/python -m venv $(PEERS)
	@echo "import site; site.addsitedir('$(call site_of,$(VENV))')" > "$(call site_of,$(PEERS))/repository.pth"
	@echo "Installing the peers into $(PEERS) ..." >&2
	@npm install --silent --no-audit --no-fund --prefix $(PEERS) convnetjs@0.3.0 >/dev/null \
	  || echo "ConvNetJS cannot be installed (is there npm, and a network?): its row says so." >&2
	@if $(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -r benchmarks/requirements.txt; \
	  then touch $@; else echo "The peers cannot be installed (is there a network?): their rows say so, the others are measured." >&2; fi

bench: $(READY) $(PEERS)/.installed
	@$(PEERS)/bin/python benchmarks/run.py

clean:
	rm -rf _build dist build .pytest_cache .ruff_cache
