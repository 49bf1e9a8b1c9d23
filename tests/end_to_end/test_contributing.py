"""What CONTRIBUTING says of the package's rooms is so, and the files that it sends people to are there."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from cases import ROOT

PACKAGE = ROOT / "resnetzoo"
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
# A name without a folder may be of a file that a command writes.
PATHS = sorted(set(re.findall(r"`([\w.-]+/[\w./-]+\.\w+)`", TEXT)))


@pytest.mark.parametrize("path", PATHS)
def test_every_file_that_is_named_is_there(path: str) -> None:
    """Inside the package, unless the path begins at the root of the checkout."""
    assert (ROOT / path).is_file() or (PACKAGE / path).is_file()


TEXTS = [ROOT / "CONTRIBUTING.md", ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "pyproject.toml"]
TEXTS += [path for folder in ("docs", "examples", "benchmarks") for path in (ROOT / folder).rglob("*.[mp][dy]")]


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_test_that_is_named_anywhere_is_there(text: Path) -> None:
    """Reasons why a block of code is not run, among others, name the test that runs it."""
    named = re.findall(r"\btests/[\w/.-]+\.\w+", text.read_text())
    assert [path for path in named if not (ROOT / path).is_file()] == []


def test_make_can_carry_out_every_target_and_those_that_are_named_anywhere() -> None:
    make = shutil.which("make")
    if make is None:
        pytest.skip("needs make")
    targets = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[0].split()
    named = {target for text in TEXTS for target in re.findall(r"`make ([a-z-]+)", text.read_text())}
    assert named <= set(targets)
    for target in targets:
        said = subprocess.run([make, "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
        assert (said.returncode, said.stderr) == (0, "")
        assert "Nothing to be done" not in said.stdout


def test_every_room_has_its_line() -> None:
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert rooms <= set(re.findall(r"`(\w+)/`", TEXT))


def test_the_layers_are_those_of_the_contract() -> None:
    """From top to bottom as in import-linter's contract, the command line and the aliases apart."""
    contract = (ROOT / "pyproject.toml").read_text().split("layers = [", 1)[1].split("]", 1)[0]
    layers = [sorted(re.findall(r"\w+", line)) for line in re.findall(r'"(.+)"', contract)]
    rows: dict[int, list[str]] = {}
    for layer, rooms in re.findall(r"^\| (\d) \| (.+?) \|", TEXT, re.MULTILINE):
        rows.setdefault(int(layer), []).extend(re.findall(r"`(\w+)[/.]", rooms))
    shown = [sorted(rows[layer]) for layer in sorted(rows, reverse=True)]
    assert [layer for layer in layers if layer in shown] == [layer for layer in shown if layer != ["__init__"]]
    assert all(layer in shown for layer in layers if layer != ["__main__"] and "recipes" not in layer)
