"""The shape of the package: what stands at its root, and that no room imports the root."""

import ast
import importlib
import inspect
from pathlib import Path

import pytest
from cases import ROOT

PACKAGE = ROOT / "resnetzoo"
# Documented names of modules that live in a room.
ALIASES = {"metrics", "plots", "prediction", "recipes", "report", "rerunning"}
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
    """At once, or where some of them load much, on demand, as packages do."""
    body = ast.parse((PACKAGE / f"{name}.py").read_text()).body[1:]
    *imports, last = body
    assert all(isinstance(node, ast.ImportFrom) for node in imports)
    if isinstance(last, ast.If):
        (lazily,) = last.orelse
        assert ast.unparse(last.test) == "TYPE_CHECKING"
        assert all(isinstance(node, ast.ImportFrom) for node in last.body)
        assert "export_lazily(__name__" in ast.unparse(lazily)
    else:
        assert isinstance(last, ast.ImportFrom)


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


PUBLIC_ROOMS = {"analysis", "bench", "export", "interop", "reproduce"}
# It times single steps of several runs in turn, and steps that are not recorded: no public function does either.
INTERNALS = ROOT / "benchmarks" / "cuda" / "internals.py"
OUTSIDE = sorted(
    {
        *(PACKAGE / "cli").glob("*.py"),
        *(path for folder in ("examples", "benchmarks", "docs/_ext") for path in (ROOT / folder).rglob("*.py")),
        ROOT / "hubconf.py",
    }
    - {INTERNALS}
)


def used_names(source: str) -> set[str]:
    """Every dotted name of the package that a program uses, followed from the names that it imports."""
    tree = ast.parse(source)
    meant = {}  # what each imported name stands for
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.split(".")[0]
                meant[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom):
            meant |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    found = imported_modules(source) | set(meant.values())
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            first, _, rest = ast.unparse(node).partition(".")
            if first in meant:
                found.add(f"{meant[first]}.{rest}")
    return {name for name in found if name.split(".")[0] == "resnetzoo"}


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: str(path.relative_to(ROOT)))
def test_programs_use_public_names_alone(path: Path) -> None:
    """The root's own, those of its aliases, and those that a public room exports; never a module inside a room."""
    rooms = {room.name for room in PACKAGE.iterdir() if (room / "__init__.py").exists()} - {"cli"}
    private = {f"{room}." for room in rooms - PUBLIC_ROOMS}
    private |= {f"{room}.{file.stem}." for room in PUBLIC_ROOMS - {"interop"} for file in (PACKAGE / room).glob("*.py")}
    used = [name.removeprefix("resnetzoo.") + "." for name in used_names(path.read_text())]
    assert not [name for name in used if name.startswith(tuple(private))]


def test_private_names_are_found() -> None:
    source = "import resnetzoo\nfrom resnetzoo import bench as b\nb.timing.race\nresnetzoo.utils.device.device_name()\n"
    assert {"resnetzoo.bench.timing.race", "resnetzoo.utils.device.device_name"} <= used_names(source)
    assert "resnetzoo.utils.files" in used_names("from resnetzoo.utils.files import write_atomically")


@pytest.mark.parametrize(
    "package", sorted(path.parent for path in PACKAGE.rglob("__init__.py")), ids=lambda path: path.name
)
def test_no_room_exports_the_name_of_its_own_module(package: Path) -> None:
    """Otherwise the same dotted name is a module or a function, depending on what was imported before."""
    module = importlib.import_module(".".join(package.relative_to(ROOT).parts))
    inside = {path.stem for path in package.glob("*.py")} | {path.parent.name for path in package.glob("*/__init__.py")}
    tree = ast.parse((package / "__init__.py").read_text())
    again = {alias.asname for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    exported = (again | set(getattr(module, "__all__", ()))) & inside
    assert not {name for name in exported if not inspect.ismodule(getattr(module, name))}
