# Everything runs in .venv, which is created on first use. `make` lists the targets.

PYTHON ?= python3
WORKERS ?= 2
ARGS ?=

BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input \
	-c constraints.txt

.DEFAULT_GOAL := help
.PHONY: help quickstart test lint format docs dist release-check bench bench-quick clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/make \1|\2/p' Makefile | \
		while IFS='|' read -r target text; do printf '%-18s %s\n' "$$target" "$$text"; done

quickstart: .venv/.plot ## install the package and run the first example
	$(BIN)/python examples/plot_quickstart.py

# One torch thread per worker: more would compete for cores and change float32 sums.
# Without SCIPY_ARRAY_API, scikit-learn silently skips some of its checks.
test: .venv/.test ## run the tests and doctests; ARGS="-k name" selects, WORKERS=1 uses one process
	OMP_NUM_THREADS=1 SCIPY_ARRAY_API=1 MPLBACKEND=Agg \
		$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

lint: .venv/.lint ## check style, format and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo

format: .venv/.lint ## format the code and fix what can be fixed automatically
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/.docs ## build the site into docs/_build/html; runs the examples
	OMP_NUM_THREADS=1 MPLBACKEND=Agg \
		$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going docs docs/_build/html
	$(BIN)/python .ci/check_site.py docs/_build/html
	@echo "Read docs/_build/html/index.html"

# An old egg-info would make setuptools include files that MANIFEST.in no longer lists.
dist: .venv/.dist ## build wheel and source distribution into dist/, and check them
	rm -rf build dist *.egg-info
	$(BIN)/python -m build
	$(BIN)/twine check --strict dist/*
	$(BIN)/python .ci/check_dist.py

release-check: docs dist ## check that dist/ can be released; runs the examples from the wheel
	$(BIN)/python .ci/release_check.py $(ARGS)

bench: .venv/.bench ## measure speed and memory against bare loops, about half an hour
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.speed --write

# Networks as small as these are slower on two threads than on one.
bench-quick: .venv/.bench ## run the smallest version of each benchmark, to check that it works
	$(BIN)/python -m benchmarks.speed --quick
	$(BIN)/python -m benchmarks.mnist --quick
	$(BIN)/python -m benchmarks.defaults --quick
	$(BIN)/python -m benchmarks.likelihood --quick
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.imputation --quick
	$(BIN)/python -m benchmarks.normaliser --quick
	$(BIN)/python -m benchmarks.disentanglement --quick
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.task_invariant --quick
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.jmvae --quick
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.categorical --quick
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.learners --quick
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.manifolds --quick
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.mpvae --quick
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.usefulness --quick
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.fuzz_persistence --quick
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.survival --quick
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.scaling --quick
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.attack --quick
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.gpu --dry-run --quick
	$(BIN)/python -m benchmarks.sources --quick
	$(BIN)/python -m benchmarks.tables --check

clean: ## remove the environment, builds and caches
	rm -rf .venv build dist *.egg-info docs/_build docs/api docs/gallery
	rm -rf .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamp files: .venv/.plot means that the extra "plot" is installed, and so on.
$(addprefix .venv/.,bench plot test lint docs dist): .venv/.%: .venv/.created setup.cfg constraints.txt
	@echo "Installing skvae[$*] into .venv: a few minutes the first time."
	@$(PIP) --editable '.[$*]'
	@touch $@

.venv/.created:
	@command -v $(PYTHON) > /dev/null || \
		{ echo "$(PYTHON) was not found. On Debian: sudo apt install python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "skvae needs Python 3.11 or newer; $(PYTHON) is" \
			"$$($(PYTHON) --version 2>&1). Choose another: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || \
		{ echo "$(PYTHON) cannot create virtual environments." \
			"On Debian: sudo apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv
	@touch $@
