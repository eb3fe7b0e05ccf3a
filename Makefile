# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
#
# Every command of the project. Those that need services start them by themselves.

PYTHON ?= python3
SHELL := bash

.DEFAULT_GOAL := help
.PHONY: help install check format lint types layers docstrings docs \
	test test-faults test-browser test-schedules demo page bench bench-page \
	upstream-tests

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: ## install the package with everything the other targets need
	$(PYTHON) -m pip install "invenio-app-rdm[opensearch2]~=14.0" -e ".[rdm,s3,tests,browser]"

check: lint types layers docstrings docs ## all checks that need no services

format: ## lay out the code, and mend what can be mended
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

lint: ## layout and rules of the code
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .

types: ## types of core, storage, client and errors
	$(PYTHON) -m mypy

layers: ## who may import whom
	$(PYTHON) -c "from importlinter.cli import lint_imports_command as run; run()"

docstrings: ## a docstring on everything public, and on every test
	$(PYTHON) -m interrogate --quiet invenio_multipart tests

docs: ## build docs/_build/html; a warning is an error
	$(PYTHON) -m sphinx -W --keep-going -q -b html docs docs/_build/html

test: ## all tests, on real services
	./run-tests.sh

test-faults: ## only the tests that break things
	./run-tests.sh tests/faults

test-schedules: ## all 200 random stories of the uploader, a quarter of an hour
	UPLOADER_SEEDS=0:200 ./run-tests.sh -n 2 --dist worksteal tests/faults/test_uploader_schedules.py

test-browser: ## only the tests in a real browser
	./run-tests.sh tests/browser

demo: ## a real InvenioRDM, one upload from start to end
	./run-demo.sh

page: ## build the deposit page and serve it; again after a change
	./run-demo.sh serve --ui

bench: ## compare with upstream's own provider, write docs/performance.md
	@set -e; . scripts/lib.sh; . scripts/python-env.sh; python_env; \
	scripts/services.sh start; eval "$$(scripts/services.sh env)"; \
	"$$PYTHON" -m benchmarks --write docs/performance.md

bench-page: ## the deposit page with many files, and with one of 10 GiB; a quarter of an hour
	./run-tests.sh -s tests/browser/bench_many.py tests/browser/bench_large.py

upstream-tests: ## upstream's own multipart tests against our classes
	scripts/upstream-tests.sh
