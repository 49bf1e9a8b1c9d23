# One command each; every target only calls the tool.
.PHONY: install format lint types test package check

install:
	python -m pip install -e ".[test,dev]"

format:
	ruff format . && ruff check --fix .

lint:
	ruff format --check . && ruff check .

types:
	mypy

test:
	python -m pytest

package:
	python -m build

check: lint types test
