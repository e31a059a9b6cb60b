# Short names for what one does every day; PYTHON is the .venv that bin/test makes.
PYTHON ?= $(if $(wildcard .venv/bin/python),.venv/bin/python,python3)

build: ## build the extensions in place
	$(PYTHON) setup.py -q build_ext --inplace

debug: ## the same with line tracing and bounds checks
	ROCKETPY_DEBUG=1 $(PYTHON) setup.py -q build_ext --inplace --force

check: ## ruff, mypy --strict, cython-lint, arrows between rooms, docs = tables
	$(PYTHON) -m pytest -q tests/house

test: ## unit, golden, property
	$(PYTHON) -m pytest -q tests/unit tests/golden tests/property

crash: ## kill -9, torn tails
	$(PYTHON) -m pytest -q tests/crash

compat: ## official clients against this broker and upstream's
	$(PYTHON) -m pytest -q tests/compat

bench: ## the ratios to upstream's broker, in one run
	$(PYTHON) -m benchmarks.run --quick

fuzz: ## a minute of each fuzz target, with atheris
	$(PYTHON) -m tests.fuzz

docs: ## write the tables of docs/config.md, docs/protocol.md and docs/operating/metrics.md anew
	$(PYTHON) -m rocketpy.config.docs docs/config.md docs/tls.md
	$(PYTHON) -m rocketpy.protocol_docs docs/protocol.md
	$(PYTHON) -m rocketpy.metrics.docs docs/operating/metrics.md

help:
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile

.PHONY: build debug check test crash compat bench docs help fuzz
