"""The shape of the package: what stands at its root, and that no room imports the root."""

import ast
from pathlib import Path

import pytest
from cases import ROOT

PACKAGE = ROOT / "resnetzoo"
ALIASES = {"plots", "prediction", "recipes", "report", "rerunning"}  # documented names of modules that live in a room
# The command line alone calls public functions by their public names.
INSIDE = sorted(path for path in PACKAGE.rglob("*.py") if path.parent not in (PACKAGE, PACKAGE / "cli"))


def imported_modules(source: str) -> set[str]:
    """Every module that an import names, wherever in the file it stands."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or ""))
    return found


def test_the_root_holds_rooms_and_little_else() -> None:
    files = {path.stem for path in PACKAGE.glob("*.py")}
    assert files == {"__init__", "__main__", "errors", "version"} | ALIASES


@pytest.mark.parametrize("path", INSIDE, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_room_imports_the_root(path: Path) -> None:
    assert not {"resnetzoo", ".", ".."} & imported_modules(path.read_text())


@pytest.mark.parametrize("name", sorted(ALIASES))
def test_aliases_hold_imports_alone(name: str) -> None:
    body = ast.parse((PACKAGE / f"{name}.py").read_text()).body[1:]
    assert all(isinstance(node, ast.ImportFrom) for node in body)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("__init__.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_packages_define_nothing(path: Path) -> None:
    """What a package exports is defined in its modules, where the name of a file says what it holds."""
    tree = ast.parse(path.read_text())
    definitions = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
    assert not [node.lineno for node in ast.walk(tree) if isinstance(node, definitions)]
    assigned = [node for node in ast.walk(tree) if isinstance(node, ast.Assign)]
    computed = [node for node in assigned if not isinstance(node.value, ast.Name)]  # a former name = the present one
    assert {ast.unparse(node.targets[0]) for node in computed} <= {"(__getattr__, __dir__, __all__)"}


@pytest.mark.parametrize("path", sorted((PACKAGE / "cli").glob("*.py")), ids=lambda path: path.name)
def test_the_command_line_imports_the_root_alone(path: Path) -> None:
    """By the root it reaches every public name, and torch only where a command needs it."""
    ours = {name for name in imported_modules(path.read_text()) if name.split(".")[0] == "resnetzoo"}
    assert {name for name in ours if not name.startswith("resnetzoo.cli.")} <= {"resnetzoo"}
