"""What the README shows is what works."""

import re

import pytest
from conftest import ROOT
from typer.testing import CliRunner

from resnetzoo import cli

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
COMMANDS = [line for kind, block in BLOCKS if kind == "sh" for line in block.splitlines()]
# Trains for 20 epochs on whatever data there is: the example's own tests run the same calls on little data.
TOO_LONG = "recipes.QUICK20"


def test_the_first_screen_has_the_two_commands() -> None:
    assert COMMANDS[:2] == [
        "python -m pip install . && python examples/cifar_compare.py",
        'python -m pip install -e ".[test]" && python -m pytest -n auto',
    ]
    assert README.index(COMMANDS[1]) < 1_000


@pytest.mark.filterwarnings("ignore:the network runs uncompiled")  # where there is no compiler
@pytest.mark.parametrize("block", [block for kind, block in BLOCKS if kind == "python" and TOO_LONG not in block])
def test_python_blocks_run(block: str) -> None:
    exec(compile(block, "README.md", "exec"), {})


@pytest.mark.parametrize("line", [line for line in COMMANDS if line.startswith("resnetzoo ")])
def test_commands_exist_with_these_options(line: str) -> None:
    _, command, *words = line.split()
    said = CliRunner().invoke(cli.app, [command, "--help"])
    assert said.exit_code == 0
    assert {word for word in words if word.startswith("--")} <= set(re.findall(r"--[a-z-]+", said.output))
