"""Architectures as pictures: every box accounted for, and valid SVG."""

import re
from pathlib import Path

import pytest
import torch
from cases import THIN, Call, assert_one_line

import resnetzoo
from resnetzoo import cli, plots


@pytest.mark.parametrize(("shortcut", "dashed"), [("identity", 2), ("projection", 2), ("projection_all", 9)])
def test_shortcuts_are_dashed_where_they_change_something(shortcut: str, dashed: int) -> None:
    spec = resnetzoo.create("resnet20", shortcut=shortcut).spec  # type: ignore[arg-type]
    drawn = plots.draw(spec)
    assert drawn.count("stroke-dasharray") == dashed
    assert drawn.count("<circle") == 9
    assert plots.draw(resnetzoo.get_spec("plainnet20")).count("<circle") == 0


@pytest.mark.parametrize("name", ["plainnet20", "resnet20", "preresnet20"])
def test_a_drawing_has_the_colour_of_its_family_in_figures(name: str) -> None:
    fills = set(re.findall('<rect [^>]*fill="(#[0-9a-f]+)"', plots.draw(resnetzoo.get_spec(name))))
    assert fills == {plots.looks_of([name])[name].color}


def test_sizes_of_feature_maps_are_those_that_the_network_computes() -> None:
    spec = resnetzoo.ModelSpec("plain", 16, widths=(8,) * 7)
    drawn = [int(size) for size in re.findall(r">(\d+) x \d+<", plots.draw(spec))]
    sizes = []
    model = resnetzoo.CifarNet(spec)
    for name in model.stage_names:
        model.get_submodule(name).register_forward_hook(lambda module, x, y: sizes.append(y.shape[-1]))
    model(torch.zeros(2, 3, 32, 32))
    assert drawn == sizes == [32, 16, 8, 4, 2, 1, 1]


def test_two_drawings_can_stand_on_one_page() -> None:
    drawn = [
        plots.draw(resnetzoo.create("resnet20", shortcut=shortcut).spec) for shortcut in ("identity", "projection")
    ]  # type: ignore[arg-type]
    marks = [re.findall('id="([^"]+)"', picture) for picture in drawn]
    assert len({mark for found in marks for mark in found}) == 2
    for picture, (mark,) in zip(drawn, marks, strict=True):
        assert set(re.findall(r"url\(#([^)]+)\)", picture)) == {mark}


@pytest.mark.parametrize("kind", ["group norm", "group norm first"])
def test_the_norm_is_named_that_a_network_has(kind: str) -> None:
    drawn = plots.draw(THIN[kind])
    assert drawn.count("group norm and ReLU") == 1
    assert "batch norm" not in drawn


def test_the_command_draws(call: Call, tmp_path: Path) -> None:
    status, errors = call(cli.main, "info", "resnet56", "--draw", "resnet56.svg")
    assert (status, errors) == (0, "")
    assert (tmp_path / "resnet56.svg").read_text() == plots.draw(resnetzoo.get_spec("resnet56"))
    assert_one_line(call(cli.main, "info", "resnet56", "--draw", "a.png"), 2, "end in .svg, not to a.png")
