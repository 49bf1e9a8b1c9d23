"""A network that a user names by one call, from its costs to a run that is read where nobody has named it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cases import Call, draw_few_images
from markdown_blocks import blocks_of
from processes import Command

import resnetzoo
from resnetzoo import cli
from resnetzoo.models import registry

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "new-network.md"
WRN22_8 = resnetzoo.ModelSpec(
    *("preactivation", 22), shortcut="projection", widths=(128, 256, 512), stem_width=16, layers=(3, 3, 3)
)
NARROW = resnetzoo.ModelSpec(
    *("preactivation", 10), shortcut="projection", widths=(8, 16, 32), stem_width=4, layers=(1, 1, 1)
)


def name_a_narrow_one() -> None:
    """Before a forked command."""
    draw_few_images()
    resnetzoo.register("wrn10_2", NARROW)


@pytest.fixture
def named() -> Iterator[None]:
    """In this process, until the test ends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "_SPECS", dict(registry._SPECS))
        resnetzoo.register("wrn22_8", WRN22_8)
        yield


@pytest.mark.usefixtures("named")
def test_one_call_names_a_wide_network(call: Call, tmp_path: Path) -> None:
    assert resnetzoo.get_spec("wrn22_8").label == "wrn22_8"
    assert resnetzoo.complexity("wrn22_8") == (17_158_106, 2_454_115_328, 1_622_026)
    assert "wrn22_8" in resnetzoo.list_models("wrn*")
    model = resnetzoo.create("wrn22_8", num_classes=7, in_chans=1)
    assert (model.spec.depth, model.num_classes, model.in_chans) == (22, 7, 1)
    with pytest.raises(resnetzoo.UsageError, match=r"^wrn22_8 has no weights; networks that have: plainnet20, "):
        resnetzoo.create("wrn22_8", weights=True)
    assert call(cli.main, "info", "wrn22_8", "--draw", "wrn22_8.svg") == (0, "")
    assert "17,158,106 parameters" in (tmp_path / "wrn22_8.svg").read_text()


def test_commands_know_what_a_file_of_ones_own_names(fork_command: Command, tmp_path: Path) -> None:
    (script,) = (block.code for block in blocks_of(PAGE) if "runpy" in block.code)
    (tmp_path / "zoo.py").write_text(script)
    done = fork_command("zoo.py", "info", "wrn22_8", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["params"] == 17_158_106


def test_a_run_of_a_named_network_is_read_where_nobody_has_named_it(fork_command: Command, tmp_path: Path) -> None:
    recipe = ("--recipe", "WRN2016", "--epochs", "1", "--batch-size", "16", "--train-images", "32")
    data = ("--dataset", "synthetic", "--device", "cpu", "--precision", "fp32")
    trained = fork_command("resnetzoo", "train", "wrn10_2", *recipe, *data, "--out", "run", prepare=name_a_narrow_one)
    assert trained.returncode == 0, trained.stderr
    measured = fork_command("resnetzoo", "eval", "run", "--dataset", "synthetic", "--device", "cpu", "--json")
    assert measured.returncode == 0, measured.stderr
    (record,) = resnetzoo.read_records(tmp_path / "run" / "run.json")
    assert json.loads(measured.stdout)["test_error"] == pytest.approx(record.epochs[-1].test_error)
    assert record.spec == NARROW
    assert resnetzoo.load_checkpoint(tmp_path / "run").spec == NARROW
