"""Each public name stands in the reference with an example, which the build of the site runs."""

import ast
import inspect
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from cases import ROOT
from markdown_blocks import blocks_of
from test_public_names import PUBLIC, found_at

REFERENCE = sorted((ROOT / "docs" / "api").glob("*.md"))
LONGEST = 12  # lines that say something
_DIRECTIVE = re.compile(r"^\.\. (?:auto\w+|py:data):: (resnetzoo[\w.]*)", re.MULTILINE)


@dataclass(frozen=True)
class Entry:
    """A name of the reference, and the blocks that follow it before the next name."""

    path: str
    page: str
    examples: tuple[str, ...]


def entries_of(page: Path) -> list[Entry]:
    """The names of a page in order; names without a block between them share the next one's examples."""
    text = page.read_text()
    places = [(found.start(), found[1]) for found in _DIRECTIVE.finditer(text)]
    blocks = [(block.span[0], block.code) for block in blocks_of(page) if block.is_run and block.kind == "python"]
    found: list[Entry] = []
    for place, path in reversed(places):
        end = next((later for later, _ in places if later > place), len(text))
        examples = tuple(code for start, code in blocks if place < start < end)
        shared = found[-1].examples if found and not examples else examples
        found.append(Entry(path, page.stem, shared))
    return found[::-1]


ENTRIES = [entry for page in REFERENCE for entry in entries_of(page)]
BY_VALUE = {id(found_at(entry.path)): entry for entry in ENTRIES}
NAMES = [path for path in PUBLIC if not inspect.ismodule(found_at(path))]


def shows_something(code: str) -> bool:
    """Whether it prints, or ends in a value, which a notebook shows."""
    return "print(" in code or isinstance(ast.parse(code).body[-1], ast.Expr)


@pytest.mark.parametrize("path", NAMES)
def test_every_public_name_has_an_example_with_its_output(path: str) -> None:
    entry = BY_VALUE.get(id(found_at(path)))
    assert entry, f"{path} is not in docs/api"
    used = "\n".join(entry.examples)
    assert re.search(rf"\b{entry.path.rpartition('.')[2]}\b", used), f"no example after {entry.path} uses it"
    assert shows_something(entry.examples[-1]), f"the example of {entry.path} shows nothing"


@pytest.mark.parametrize("page", REFERENCE, ids=lambda page: page.stem)
def test_examples_are_short(page: Path) -> None:
    for block in blocks_of(page):
        assert sum(bool(line.strip()) for line in block.code.splitlines()) <= LONGEST, block.code


def test_every_error_that_a_function_raises_itself_is_in_its_docstring() -> None:
    for path in NAMES:
        if inspect.isfunction(function := found_at(path)):
            text = inspect.getdoc(function) or ""
            for node in ast.walk(ast.parse(inspect.getsource(function))):
                if (
                    isinstance(node, ast.Raise)
                    and isinstance(node.exc, ast.Call)
                    and isinstance(node.exc.func, ast.Name)
                ):
                    name = node.exc.func.id
                    assert not name.endswith("Error") or f"{name}:" in text, (path, name)


def test_no_internal_name_is_shown() -> None:
    for entry in ENTRIES:
        assert not any(part.startswith("_") and part != "__version__" for part in entry.path.split("."))


VALUES = [path for page in REFERENCE for path in re.findall(r"autodata:: ([\w.]+)", page.read_text())]


@pytest.mark.parametrize("path", VALUES)
def test_a_value_is_documented_where_it_is_defined(path: str) -> None:
    """A value has no docstring of its own: Sphinx reads the one below its assignment, and elsewhere its type's."""
    module, _, name = path.rpartition(".")
    pytest.importorskip("sphinx")
    from sphinx.pycode import ModuleAnalyzer

    assert ("", name) in ModuleAnalyzer.for_module(module).find_attr_docs()
