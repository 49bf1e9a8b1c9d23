"""The style of figures: who has which colour and line, whether it can be seen, and where labels stand."""

from itertools import combinations
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from resnetzoo import plots
from resnetzoo.utils.colours import FAMILY_COLOURS, OTHER_COLOURS
from resnetzoo.utils.figures import (
    DARK,
    LIGHT,
    label_line_ends,
    look_of_network,
    new_figure,
    save_figure,
    spread,
)

# Of full colour blindness of one kind, in linear RGB (Machado, Oliveira and Fernandes 2009, severity 1).
PROTANOPIA = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
DEUTERANOPIA = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
TRITANOPIA = [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]


def linear(colour: str) -> np.ndarray:
    values = np.array(to_rgb(colour))
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """As in the Web Content Accessibility Guidelines."""
    darker, lighter = sorted(float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("page", ["#ffffff", "#131416"])
def test_every_colour_stands_out_from_the_page(page: str) -> None:
    assert all(contrast(colour, page) >= 3 for colour in (*FAMILY_COLOURS.values(), *OTHER_COLOURS))
    ink = {"#ffffff": LIGHT, "#131416": DARK}[page].ink
    assert contrast(ink, page) >= 7


@pytest.mark.parametrize("seen", [np.eye(3), PROTANOPIA, DEUTERANOPIA, TRITANOPIA])
def test_the_families_are_told_apart_by_any_colour_vision(seen: list[list[float]]) -> None:
    colours = [np.clip(np.array(seen) @ linear(colour), 0, 1) ** (1 / 2.2) for colour in FAMILY_COLOURS.values()]
    assert all(np.linalg.norm(one - other) > 0.15 for one, other in combinations(colours, 2))


def test_colour_is_the_family_and_line_style_the_depth() -> None:
    looks = plots.looks_of(["plainnet20", "plainnet56", "resnet20", "resnet56", "preresnet56", "resnet56 (projection)"])
    assert [look.color for look in looks.values()] == [
        *[FAMILY_COLOURS[family] for family in ("plain", "plain", "residual", "residual", "preactivation", "residual")]
    ]
    dashes = {depth: look_of_network("plain", depth).dashes for depth in (20, 32, 44, 56, 110, 1202)}
    assert len(set(dashes.values())) == len(dashes)
    assert looks["plainnet56"].dashes == looks["resnet56"].dashes == dashes[56] != looks["plainnet20"].dashes
    assert looks["resnet56 (projection)"].marker != looks["resnet56"].marker
    others = plots.looks_of(["mine", "yours", "resnet20"])
    assert others["mine"].color != others["yours"].color
    assert not {others["mine"].color, others["yours"].color} & set(FAMILY_COLOURS.values())


def test_a_theme_ends_with_its_block(tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    pictures = {}
    for theme in (LIGHT, DARK, LIGHT):
        with new_figure(2, 2, theme) as figure:
            figure.subplots().set_title("title")
            save_figure(figure, tmp_path / "a.svg", tmp_path / "a.png")
        pictures.setdefault(theme, []).append((tmp_path / "a.svg").read_bytes())
    assert dict(mpl.rcParams) == before
    assert pictures[LIGHT][0] == pictures[LIGHT][1]
    for theme, other in ((LIGHT, DARK), (DARK, LIGHT)):
        assert theme.ink.encode() in pictures[theme][0]
        assert other.ink.encode() not in pictures[theme][0]


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ([], []),
        ([5.0], [5]),
        ([0.0, 20.0], [0, 20]),
        ([10.0, 10.0], [5, 15]),
        ([30.0, 0.0, 4.0], [30, -3, 7]),
        ([0.0, 9.0, 1.0], [-20 / 3, 40 / 3, 10 / 3]),
    ],
)
def test_what_would_overlap_is_moved_apart(places: list[float], expected: list[float]) -> None:
    assert spread(places, 10) == pytest.approx(expected)


def test_what_is_moved_apart_stays_above_the_lowest_place() -> None:
    assert spread([30.0, 0.0, 4.0], 10, lowest=2) == pytest.approx([30, 2, 12])
    assert spread([0.0, 0.0, 5.0], 10, lowest=2) == pytest.approx([2, 12, 22])


def test_labels_stand_behind_their_lines_and_not_on_each_other() -> None:
    with new_figure(4, 3) as figure:
        axes = figure.subplots()
        lines = [axes.plot([0, 1], [0, end])[0] for end in (5.0, 5.1, 20.0)]
        label_line_ends(axes, [(line, f"line {number}") for number, line in enumerate(lines)])
        figure.canvas.draw()
        boxes = [label.get_window_extent() for label in axes.artists]
        assert all(box.x0 > axes.transData.transform((1, 0))[0] and box.x1 <= figure.bbox.x1 for box in boxes)
        assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
        assert boxes[0].y0 < boxes[1].y0 < boxes[2].y0


def test_labels_of_lines_that_end_at_the_bottom_stay_above_it() -> None:
    with new_figure(4, 3) as figure:
        axes = figure.subplots()
        axes.set_ylim(0, 20)
        lines = [axes.plot([0, 1], [1, 0.1 * number])[0] for number in range(5)]
        label_line_ends(axes, [(line, f"line {number}") for number, line in enumerate(lines)])
        figure.canvas.draw()
        assert min(label.get_window_extent().y0 for label in axes.artists) >= axes.bbox.y0


@pytest.mark.parametrize(("colours", "pieces"), [(("red", "red"), 2), (("red", "blue"), 0)])
def test_labels_show_a_piece_of_the_line_where_colour_does_not_tell_them_apart(
    colours: tuple[str, str], pieces: int
) -> None:
    with new_figure(4, 3) as figure:
        axes = figure.subplots()
        lines = [
            axes.plot([0, 1], [0, end], color=colour, ls=style)[0]
            for end, colour, style in zip((1, 2), colours, ("--", ":"), strict=True)
        ]
        label_line_ends(axes, [(line, "a line") for line in lines])
        found = [piece for label in axes.artists for piece in label.findobj(Line2D)]
    assert [piece.get_linestyle() for piece in found] == ["--", ":"][:pieces]
    assert {piece.get_color() for piece in found} == set(colours[:pieces])


def test_a_figure_of_the_users_is_drawn_in_the_style() -> None:
    with plots.styled(plots.DARK):
        axes = Figure().subplots()
    assert axes.xaxis.label.get_color() == DARK.ink
