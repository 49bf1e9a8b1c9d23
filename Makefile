# One command each; every target only calls the tool.
# With make test-on: which constraints, and the command of which Python.
VERSIONS = oldest
PYTHON = python3.10

.PHONY: install format lint spelling types test test-slow test-on oldest docs package check bench bench-short bench-history cuda pictures

install:
	python -m pip install -e ".[test,dev,bench,docs]"

format:
	ruff format . && ruff check --fix .

lint:
	ruff format --check . && ruff check . && lint-imports

spelling:
	codespell

types:
	mypy

test:
	python -m pytest -n auto

test-slow:
	python -m pytest -n auto -m slow

test-on:
	bash .ci/suite $(VERSIONS) $(PYTHON)

oldest:
	uv pip compile pyproject.toml --extra test --resolution lowest-direct --python-version 3.10 \
		--python-platform x86_64-manylinux_2_28 --no-annotate --custom-compile-command "make oldest" \
		--quiet --upgrade --output-file .ci/oldest.txt

docs:
	sphinx-build -W -n -j auto docs docs/_build/html

pictures:
	python docs/draw_pictures.py

package:
	python -m build

check: lint spelling types test test-slow

bench:
	mkdir -p runs && python -m pytest benchmarks --benchmark-json runs/bench.json
	python benchmarks/track.py record runs/bench.json

bench-short:
	python -m pytest benchmarks -m short --race-seconds 5

bench-history:
	python benchmarks/track.py history

cuda:
	resnetzoo data --dataset cifar10 --download
	OUT=runs/cuda GPU_STATE=runs/cuda-state bash benchmarks/cuda/evidence.sh first
	OUT=runs/cuda GPU_STATE=runs/cuda-state bash benchmarks/cuda/evidence.sh second
