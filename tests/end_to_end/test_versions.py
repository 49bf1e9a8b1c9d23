"""The versions that the suite runs on are those that the package declares."""

import re
import sys

import pytest
from cases import ROOT
from packaging.requirements import Requirement
from packaging.version import Version

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = {
    name: [Requirement(line) for line in lines] for name, lines in PROJECT["project"]["optional-dependencies"].items()
}
REQUIRED = [Requirement(line) for line in PROJECT["project"]["dependencies"]]
OLDEST = dict(re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / ".ci" / "oldest.txt").read_text(), re.MULTILINE))
OLDEST_PYTHON = PROJECT["project"]["requires-python"].removeprefix(">=")


def lowest(requirement: Requirement) -> Version:
    """The version that a requirement of one bound, `>=` or `==`, begins with."""
    (bound,) = requirement.specifier
    assert bound.operator in (">=", "=="), requirement
    return Version(bound.version)


@pytest.mark.parametrize("requirement", [*REQUIRED, *EXTRAS["test"]], ids=str)
def test_the_oldest_versions_are_the_lower_bounds(requirement: Requirement) -> None:
    """`make oldest` writes them again."""
    assert Version(OLDEST[requirement.name.lower().replace("_", "-")]) == lowest(requirement)


def test_a_bound_is_the_same_wherever_it_stands() -> None:
    bounds: dict[str, set[Version]] = {}
    for requirement in [*REQUIRED, *(one for extra in EXTRAS.values() for one in extra)]:
        if requirement.marker is None:
            bounds.setdefault(requirement.name, set()).add(lowest(requirement))
    assert {name: found for name, found in bounds.items() if len(found) > 1} == {}


def test_what_users_can_install_is_tested() -> None:
    tested = {requirement.name for requirement in [*REQUIRED, *EXTRAS["test"]]}
    for extra in ("timm", "huggingface", "onnx"):
        assert {requirement.name for requirement in EXTRAS[extra]} <= tested


def test_the_oldest_python_is_the_same_everywhere() -> None:
    assert PROJECT["tool"]["mypy"]["python_version"] == OLDEST_PYTHON
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    assert f'versions: oldest, python: "{OLDEST_PYTHON}"' in workflow
    makefile = (ROOT / "Makefile").read_text()
    assert f"--python-version {OLDEST_PYTHON} " in makefile
    assert f"PYTHON = python{OLDEST_PYTHON}\n" in makefile
    supported = [
        word for word in PROJECT["project"]["classifiers"] if word.startswith("Programming Language :: Python :: 3.")
    ]
    assert min(supported, key=lambda word: Version(word.split()[-1])).endswith(f" {OLDEST_PYTHON}")


def test_ci_runs_the_suite_on_every_set_of_versions() -> None:
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    sets = {path.stem for path in (ROOT / ".ci").glob("*.txt")}
    assert set(re.findall(r"versions: ([\w.-]+),", workflow)) == sets == {"oldest", "torch-2.11"}
