"""Architectures as pictures: every box accounted for, and valid SVG."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from cases import Call, assert_one_line

import resnetzoo
from resnetzoo import cli, plots

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("name", resnetzoo.list_models())
def test_every_convolution_is_drawn_or_counted(name: str) -> None:
    spec = resnetzoo.get_spec(name)
    words = [text.text or "" for text in ElementTree.fromstring(plots.draw(spec)).iter(f"{SVG}text")]
    drawn = sum(re.match(r"[13]x[13] conv, \d+(, /2)?$", word) is not None for word in words)
    projections = sum(spec.has_projection(next(stage.block_shapes())) for stage in spec.stages)
    counted = sum(int(word.split()[0]) for word in words if word.endswith("more like the next"))
    assert drawn - projections + counted * spec.layers_per_block == spec.depth - (3 if spec.is_wide else 1)
    assert f"{resnetzoo.complexity(spec).params:,} parameters" in words
    assert words[0] == spec.label


@pytest.mark.parametrize(("shortcut", "dashed"), [("identity", 2), ("projection", 2), ("projection_all", 9)])
def test_shortcuts_are_dashed_where_they_change_something(shortcut: str, dashed: int) -> None:
    spec = resnetzoo.create("resnet20", shortcut=shortcut).spec  # type: ignore[arg-type]
    drawn = plots.draw(spec)
    assert drawn.count("stroke-dasharray") == dashed
    assert drawn.count("<circle") == 9
    assert plots.draw(resnetzoo.get_spec("plainnet20")).count("<circle") == 0


def test_the_command_draws(call: Call, tmp_path: Path) -> None:
    status, errors = call(cli.main, "info", "resnet56", "--draw", "resnet56.svg")
    assert (status, errors) == (0, "")
    assert (tmp_path / "resnet56.svg").read_text() == plots.draw(resnetzoo.get_spec("resnet56"))
    assert_one_line(call(cli.main, "info", "resnet56", "--draw", "a.png"), 2, "name the file a.svg, not a.png")
