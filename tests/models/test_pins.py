"""What may not change while the code behind it does: fresh weights, names and shapes, specs, records, options.

The order in which a network's layers are made is the order of its random draws, so that `create(name, seed=0)` gives
the same weights only as long as nothing is made earlier or later. The expected values are in `expected/pins.json`;
`python tests/models/test_pins.py` writes them anew, for a change that is meant.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch
import typer
from cases import DEEPEST, USUAL

import resnetzoo
from resnetzoo import cli

TESTS = next(folder for folder in Path(__file__).resolve().parents if folder.name == "tests")
PINS = TESTS / "expected" / "pins.json"
RESULTS = sorted((TESTS.parent / "docs" / "results").glob("*/results.json"))
EXPECTED: dict[str, Any] = json.loads(PINS.read_text()) if PINS.exists() else {}
VARIANTS: dict[str, dict[str, Any]] = {
    "projection": {"shortcut": "projection"},
    "projection_all": {"shortcut": "projection_all"},
    "zero_init_residual": {"zero_init_residual": True},
    "small": {"num_classes": 7, "in_chans": 1},
}
CASES = [
    *((name, "") for name in (*USUAL, *DEEPEST)),  # the wide ones draw their weights by the same code
    *((name, variant) for name in ("resnet20", "resnet164", "preresnet20", "preresnet164") for variant in VARIANTS),
    ("plainnet20", "small"),
]


def made(name: str, variant: str) -> resnetzoo.CifarNet:
    return resnetzoo.create(name, seed=0, **VARIANTS.get(variant, {}))


def key_of(name: str, variant: str) -> str:
    return f"{name} {variant}".strip()


def facts_of(model: resnetzoo.CifarNet) -> dict[str, Any]:
    """A network's values, summed up plainly and by place (float64), the digest of its names and shapes, its spec."""
    state = model.state_dict()
    flat = torch.cat([tensor.double().flatten() for tensor in state.values() if tensor.is_floating_point()])
    ramp = torch.linspace(0, 1, len(flat), dtype=torch.float64)
    names = json.dumps([(name, list(tensor.shape)) for name, tensor in state.items()])
    return {
        "sums": [float(flat.sum()), float(flat.abs().sum()), float(flat @ ramp)],
        "names": hashlib.sha256(names.encode()).hexdigest(),
        "spec": model.spec.to_dict(),
    }


def digest_of(results: Path) -> str:
    """Of everything that a committed record says, as it is read and written again, without fields of later versions."""
    stored = json.loads(results.read_text())["runs"]
    written = [record.to_dict() for record in resnetzoo.read_records(results)]
    records = [{key: run[key] for key in before} for run, before in zip(written, stored, strict=True)]
    return hashlib.sha256(json.dumps(records, sort_keys=True).encode()).hexdigest()


def options_of(command: str) -> dict[str, list[str]]:
    """Each parameter of a command with the words that are accepted for it."""
    group: Any = typer.main.get_command(cli.app)
    return {
        parameter.name: [*parameter.opts, *parameter.secondary_opts] for parameter in group.commands[command].params
    }


def commands() -> list[str]:
    group: Any = typer.main.get_command(cli.app)
    return sorted(group.commands)


@pytest.mark.parametrize(("name", "variant"), CASES)
def test_fresh_networks_are_what_they_were(name: str, variant: str) -> None:
    expected, found = EXPECTED["networks"][key_of(name, variant)], facts_of(made(name, variant))
    assert found["names"] == expected["names"]
    assert found["spec"] == expected["spec"]
    assert found["sums"] == pytest.approx(expected["sums"], rel=1e-6)  # another processor rounds its draws otherwise


@pytest.mark.parametrize("results", RESULTS, ids=lambda path: path.parent.name)
def test_committed_records_read_as_they_did(results: Path) -> None:
    assert digest_of(results) == EXPECTED["records"][results.parent.name]


@pytest.mark.parametrize("command", EXPECTED.get("options", {}))
def test_commands_take_every_word_that_they_took(command: str) -> None:
    found = options_of(command)
    accepted = {word for words in found.values() for word in words}
    assert {
        word for words in EXPECTED["options"][command].values() for word in words if word.startswith("-")
    } <= accepted


if __name__ == "__main__":
    pins = {
        "networks": {key_of(*case): facts_of(made(*case)) for case in CASES},
        "records": {path.parent.name: digest_of(path) for path in RESULTS},
        "options": {command: options_of(command) for command in commands()},
    }
    PINS.write_text(json.dumps(pins, indent=1) + "\n")
