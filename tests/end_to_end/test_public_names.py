"""Every name that users could import stays where it was; a new one is added to `expected/public_names.txt`."""

import importlib

import pytest
from cases import ROOT

PUBLIC = (ROOT / "tests" / "expected" / "public_names.txt").read_text().split()


def found_at(path: str) -> object:
    """What stands at a dotted path: a module as far as there are modules, then attributes."""
    module, _, name = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError:
        return getattr(found_at(module), name)


@pytest.mark.parametrize("path", PUBLIC)
def test_public_names_stay(path: str) -> None:
    assert found_at(path) is not None


def test_no_name_is_listed_twice() -> None:
    assert sorted(set(PUBLIC)) == PUBLIC
