"""What the documentation shows is what works, and it shows everything. The build of the site runs its other pages."""

import importlib
import inspect
import re
import subprocess
import sys
from functools import cached_property
from pathlib import Path

import pytest
import torch
from cases import ROOT
from markdown_blocks import Block, blocks_of
from processes import environment
from typer.testing import CliRunner

import resnetzoo
from resnetzoo import cli, errors

DOCS = ROOT / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if not {"_build", "results"} & set(page.relative_to(DOCS).parts))
README, CONTRIBUTING = ROOT / "README.md", ROOT / "CONTRIBUTING.md"
BLOCKS = {page: blocks_of(page) for page in (README, CONTRIBUTING, *PAGES)}
COMMANDS = sorted({line for blocks in BLOCKS.values() for block in blocks for line in block.commands})
STANDALONE = [block for block in BLOCKS[README] if block.kind == "python" and not block.reason]
SHELL = [block for page in (README, CONTRIBUTING) for block in BLOCKS[page] if block.kind == "sh" and block.is_run]
ROOMS = (
    "analysis",
    "bench",
    "export",
    "interop.huggingface",
    "interop.timm",
    "metrics",
    "plots",
    "prediction",
    "recipes",
    "report",
    "reproduce",
    "rerunning",
)


def name_of(page: Path) -> str:
    return str(page.relative_to(DOCS))


def run_commands(block: Block) -> None:
    ours = f'resnetzoo() {{ "{sys.executable}" -m resnetzoo "$@"; }}\n'  # whatever is installed beside it
    said = subprocess.run(
        ["bash", "-euc", ours + block.code], capture_output=True, text=True, env=environment(), check=False
    )
    assert said.returncode == 0, said.stderr


@pytest.mark.filterwarnings("ignore:the network runs uncompiled")
@pytest.mark.parametrize("block", STANDALONE, ids=lambda block: block.code.splitlines()[0])
def test_python_blocks_of_the_readme_run_each_by_itself(block: Block) -> None:
    exec(compile(block.code, "README.md", "exec"), {})


def test_the_page_about_inference_runs_without_warnings() -> None:
    """torch gives one, once in a process, for `float` of a tensor with a gradient."""
    names: dict[str, object] = {}
    torch.set_warn_always(True)
    try:
        for block in BLOCKS[DOCS / "api" / "inference.md"]:
            exec(compile(block.code, "inference.md", "exec"), names)
    finally:
        torch.set_warn_always(False)


@pytest.mark.parametrize("block", SHELL, ids=lambda block: block.code.splitlines()[0])
def test_commands_run(block: Block) -> None:
    run_commands(block)


def test_every_block_is_of_a_kind_that_is_run() -> None:
    """The site's build adds the outputs. That which the README shows is in test_readme; references are no code."""
    kinds = {page: {block.kind for block in blocks} - {"python", "sh"} for page, blocks in BLOCKS.items()}
    others = {page: found for page, found in kinds.items() if found}
    assert others == {README: {"text"}, DOCS / "citing.md": {"bibtex"}}


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_exist_with_these_options(line: str) -> None:
    _, command, *words = line.split()
    said = CliRunner().invoke(cli.app, [command, "--help"])
    assert said.exit_code == 0
    assert {word for word in words if word.startswith("--")} <= set(re.findall(r"--[a-z0-9-]+", said.output))


def public_names(module_name: str) -> set[str]:
    """What a module offers under a name of its own: functions, classes and values, but no modules."""
    module = importlib.import_module(module_name)
    source = inspect.getsource(module)
    again = set(re.findall(r"import \w+ as (\w+)", source))
    own = {
        name
        for name, value in vars(module).items()
        if getattr(value, "__module__", None) == module_name and not name.startswith("_")
    }
    values = set(re.findall(r"^([A-Z][A-Z0-9_]+) *[:=]", source, re.MULTILINE))
    return {name for name in again | own | values if not inspect.ismodule(getattr(module, name))}


@pytest.mark.parametrize("module", ["resnetzoo", *(f"resnetzoo.{room}" for room in ROOMS)])
def test_every_public_name_is_documented(module: str) -> None:
    documented = {
        found
        for page in (DOCS / "api").glob("*.md")
        for found in re.findall(r"auto\w+:: (resnetzoo[\w.]*)", page.read_text())
    }
    names = public_names(module) - {"__version__"}
    known = {path.rsplit(".", 1)[1] for path in documented}
    assert names <= known, f"not in docs/api: {sorted(names - known)}"


MEMBERS = re.findall(
    r"autoclass:: ([\w.]+).*\n(?:   :show-inheritance:\n)?   :members:(.*)",
    "".join(page.read_text() for page in sorted((DOCS / "api").glob("*.md"))),
)


@pytest.mark.parametrize(("path", "chosen"), MEMBERS)
def test_every_public_member_is_documented(path: str, chosen: str) -> None:
    """Sphinx leaves out what has no docstring."""
    module, name = path.rsplit(".", 1)
    members = {
        member: value
        for member, value in vars(getattr(importlib.import_module(module), name)).items()
        if isinstance(value, property | cached_property | classmethod | staticmethod) or inspect.isfunction(value)
    }
    shown = set(re.findall(r"\w+", chosen)) or {member for member in members if not member.startswith("_")}
    assert not [member for member in shown if not members[member].__doc__]


def test_every_error_is_documented() -> None:
    page = (DOCS / "api" / "errors.md").read_text()
    for name, value in vars(errors).items():
        if inspect.isclass(value) and issubclass(value, errors.ResnetzooError):
            assert f"resnetzoo.errors.{name}\n" in page


@pytest.mark.parametrize(
    ("wanted", "page"),
    [
        ("pip install", "index.md"),
        ("weights=True", "index.md"),
        ("weights=True, num_classes=", "how-to/fine-tuning.md"),
        ("resnetzoo export", "how-to/export.md"),
        ("resnetzoo reproduce", "how-to/reproduce.md"),
        ("resnetzoo.register(", "how-to/new-network.md"),
        ("@inproceedings", "citing.md"),
    ],
)
def test_a_newcomer_finds_it_with_one_click(wanted: str, page: str) -> None:
    assert page == "index.md" or f"]({page})" in (DOCS / "index.md").read_text()
    assert wanted in (DOCS / page).read_text()


def test_pictures_are_there() -> None:
    for page in PAGES:
        for picture in re.findall(r"```\{image\} (\S+)", page.read_text()):
            assert (page.parent / picture).is_file(), (name_of(page), picture)


def test_what_is_cited_has_the_version_of_the_package() -> None:
    cff, page = (ROOT / "CITATION.cff").read_text(), (DOCS / "citing.md").read_text()
    assert re.findall(r"^version: (\S+)$", cff, re.MULTILINE) == [resnetzoo.__version__]
    assert re.findall(r"version *= \{(.+)\}", page) == [resnetzoo.__version__]
