# Every target builds what it needs. PYTHON picks the interpreter (3.11 to 3.13).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
JOBS ?= 3
PRISM := build/prism/node_modules/.package-lock.json

.DEFAULT_GOAL := help
.PHONY: help install demo up test simulate chaos unit lint format types bench bench-repair schema lock prism clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) ## build .venv with everything, from locked and hashed requirements

$(STAMP): requirements/build.txt requirements/dev.txt producers/pyproject.toml workers/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
		|| { echo "make: Paramedic needs Python 3.11 to 3.13; name one with PYTHON=…" >&2; exit 2; }
	@echo "Installing into $(VENV) (about a minute the first time) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/build.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes --no-build-isolation -r requirements/dev.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e producers -e workers
	@touch $(STAMP)

demo: $(STAMP) ## the tour: a broken sample project, healed through the real queue
	@$(BIN)/paramedic demo

up: $(STAMP) ## broker, workers and beat in the foreground, for your own targets
	@$(BIN)/paramedic up

test: $(STAMP) prism ## every test, in parallel
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup

simulate: $(STAMP) ## every failure condition, on a private broker: expected and seen
	@$(BIN)/paramedic simulate

chaos: $(STAMP) ## the storms and the fuzzing at full length (about 25 minutes); SEED=N repeats one
	PARAMEDIC_CHAOS_SECONDS=120 PARAMEDIC_FUZZ_MESSAGES=100000 PARAMEDIC_CHAOS_SEED=$(or $(SEED),0) \
		$(BIN)/python -m pytest tests/chaos -s

unit: $(STAMP) ## the tests that start nothing
	$(BIN)/python -m pytest tests/unit

lint: $(STAMP) ## ruff (lint and format) and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP) ## lay the code out and mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schema: $(STAMP) ## renew the pages that are generated from code
	$(BIN)/python -m paramedic.schema docs/event.schema.json
	$(BIN)/python -m paramedic_workers.settings_docs > docs/settings.md

bench: $(STAMP) ## the speed table, as ratios in one run
	$(BIN)/python -m tests.benchmarks

bench-repair: ## heal the bugs of BUGS=FILE.jsonl: figures, JSON and a chart in build/
	@test -n "$(BUGS)" || { echo "make: name a file of bugs: make bench-repair BUGS=FILE.jsonl" >&2; exit 2; }
	@$(MAKE) --no-print-directory -s $(STAMP)
	@$(BIN)/python -m tests.benchmarks.repair_bugs "$(BUGS)" --jobs $(JOBS)

lock: $(STAMP) ## renew the locked requirements
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --upgrade -q \
		requirements/build.in -o requirements/build.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --upgrade -q \
		producers/pyproject.toml workers/pyproject.toml --group pyproject.toml:dev \
		--no-emit-package paramedic -o requirements/dev.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --upgrade -q \
		producers/pyproject.toml workers/pyproject.toml --constraints requirements/dev.txt \
		--group pyproject.toml:flower --no-emit-package paramedic -o requirements/run.txt

prism: ## what judges requests to Jira by Atlassian's own document (needs npm; else its test is skipped)
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory -s $(PRISM) \
		|| echo "make: prism could not be installed; the test with it is skipped" >&2; \
	else echo "make: no npm, no prism; the test with it is skipped" >&2; fi

$(PRISM): tests/support/prism/package.json tests/support/prism/package-lock.json
	@echo "Installing prism into build/ (about ten seconds) …"
	@mkdir -p build/prism
	@cp tests/support/prism/package.json tests/support/prism/package-lock.json tests/support/prism/.npmrc build/prism/
	@cd build/prism && npm ci --silent
	@touch $@

clean: ## remove what the targets made
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .hypothesis
