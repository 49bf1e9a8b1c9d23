"""The names that packages export without importing them: what type checkers read and what runs are the same."""

import ast
import copy
import pickle
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from cases import ROOT
from processes import environment

import resnetzoo

PACKAGES = sorted(
    ".".join(path.parent.relative_to(ROOT).parts)
    for path in (ROOT / "resnetzoo").rglob("__init__.py")
    if "export_lazily(" in path.read_text()
)


def source_of(package: str) -> ast.Module:
    return ast.parse((ROOT / Path(*package.split(".")) / "__init__.py").read_text())


def typed_names(package: str) -> dict[str, str]:
    """What `if TYPE_CHECKING:` imports: each name, and the module it comes from."""
    (block,) = (node for node in source_of(package).body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    assert len(imports) == len(block.body)
    assert all(alias.asname == alias.name for node in imports for alias in node.names)  # exported, say type checkers
    return {alias.name: str(node.module) for node in imports for alias in node.names}


def lazy_names(package: str) -> dict[str, str]:
    """What `export_lazily` is called with, in the same form."""
    (call,) = (
        node
        for node in ast.walk(source_of(package))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "export_lazily"
    )
    given = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    names = {name: module for module, exported in given["names"].items() for name in exported}
    return names | dict.fromkeys(given.get("submodules", ()), package)


def test_the_root_is_lazy() -> None:
    assert "resnetzoo" in PACKAGES


@pytest.mark.parametrize("package", PACKAGES)
def test_type_checkers_read_the_names_that_run(package: str) -> None:
    assert typed_names(package) == lazy_names(package)


@pytest.mark.parametrize("package", PACKAGES)
def test_each_name_is_listed_and_is_the_object_of_its_module(package: str) -> None:
    module = import_module(package)
    names = lazy_names(package)
    assert set(names) == {name for name in dir(module) if not name.startswith("__")}
    assert set(names) == set(module.__all__)
    for name, home in names.items():
        expected = import_module(f"{home}.{name}") if home == package else getattr(import_module(home), name)
        assert getattr(module, name) is expected


def test_every_room_and_alias_is_there_without_an_import() -> None:
    """But `cli`, which is a command."""
    inside = {path.parent.name for path in (ROOT / "resnetzoo").glob("*/__init__.py")}
    files = {path.stem for path in (ROOT / "resnetzoo").glob("*.py")} - {"__init__", "__main__"}
    lazy = {name for name, home in lazy_names("resnetzoo").items() if home == "resnetzoo"}
    assert lazy == (inside | files) - {"cli"}


@pytest.mark.slow
def test_names_work_in_a_new_process() -> None:
    """Where nothing has been imported before: by a star, through rooms and aliases, and listed before they are used."""
    script = (
        "import sys, resnetzoo\n"
        "assert {'create', 'fit', 'analysis', 'errors', '__version__'} <= set(dir(resnetzoo))\n"
        "assert 'torch' not in sys.modules\n"
        "from resnetzoo import *\n"
        "assert create is resnetzoo.create and UsageError is errors.UsageError\n"
        "assert resnetzoo.recipes.QUICK20.epochs == 20 and resnetzoo.analysis.cka and resnetzoo.data.cifar10\n"
    )
    subprocess.run([sys.executable, "-c", script], env=environment(), check=True)


def test_a_misspelled_name_is_an_attribute_error_that_knows_its_package() -> None:
    with pytest.raises(AttributeError, match="module 'resnetzoo' has no attribute 'creat'") as caught:
        resnetzoo.creat  # type: ignore[attr-defined]  # noqa: B018
    assert (caught.value.name, caught.value.obj) == ("creat", resnetzoo)  # from which Python suggests a neighbour


def test_a_name_that_was_used_is_kept() -> None:
    assert resnetzoo.create is resnetzoo.weights.factory.create
    assert vars(resnetzoo)["create"] is resnetzoo.create


def test_objects_are_copied_and_pickled_as_ever() -> None:
    spec = resnetzoo.get_spec("resnet20")
    assert pickle.loads(pickle.dumps(spec)) == copy.deepcopy(spec) == spec
