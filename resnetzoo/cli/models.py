"""`list` and `info`: the networks and their costs."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

import resnetzoo
from resnetzoo.cli.options import AsJson, ShortcutWord, path_option
from resnetzoo.cli.tables import print_json, print_table

_WORDS, _COUNTS = ("name", "family", "block", "shortcut"), ("parameters", "multiply-adds", "activations")
# Columns of `list` that narrower and narrower terminals do not show.
_LEFT_OUT = ((), ("family", "block"), ("family", "block", "shortcut", "multiply-adds", "activations"))


def list_command(
    pattern: Annotated[str, typer.Argument(help="A shell-style pattern in quotes: 'resnet*'.")] = "*",
    as_json: AsJson = False,
) -> None:
    """List the networks with their costs. Example: resnetzoo list 'plainnet*'."""
    names = resnetzoo.list_models(pattern)
    if not names:
        raise resnetzoo.UsageError(f'no name matches "{pattern}"; "resnetzoo list" shows all names')
    if as_json:
        print_json([_facts(name, resnetzoo.get_spec(name), 32) for name in names])
        return
    rows = [_cells(name) for name in names]
    print_table(*(_table(rows, left_out) for left_out in _LEFT_OUT))


def _cells(name: str) -> dict[str, str]:
    """The texts of a network's row, by the title of their column."""
    spec, cost = resnetzoo.get_spec(name), resnetzoo.complexity(name)
    facts = (name, spec.family, spec.block, _shortcut(spec), *(f"{count:,}" for count in cost))
    return dict(zip((*_WORDS, *_COUNTS), facts, strict=True))


def _table(rows: Sequence[dict[str, str]], left_out: Collection[str]) -> Table:
    """The networks without some of their columns."""
    table = Table(caption=f"left out, as too wide: {', '.join(left_out)}" if left_out else None)
    titles = [title for title in (*_WORDS, *_COUNTS) if title not in left_out]
    for title in titles:
        table.add_column(title, no_wrap=True, justify="right" if title in _COUNTS else "left")
    for row in rows:
        table.add_row(*(row[title] for title in titles))
    return table


def info_command(
    name: str,
    shortcut: ShortcutWord = None,
    num_classes: Annotated[int | None, typer.Option(help="Number of classes.", show_default="10")] = None,
    in_chans: Annotated[int | None, typer.Option(help="Channels of the images.", show_default="3")] = None,
    input_size: Annotated[int, typer.Option(help="Height and width of the images in pixels.")] = 32,
    draw: Annotated[Path | None, path_option("Draw the architecture into this SVG file.", "no picture")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the structure and cost of a network. Example: resnetzoo info resnet56 --shortcut projection."""
    spec = resnetzoo.get_spec(name)
    choices = {"shortcut": shortcut, "num_classes": num_classes, "in_chans": in_chans}
    spec = replace(spec, **{field: value for field, value in choices.items() if value is not None})  # type: ignore[arg-type]
    facts = _facts(name, spec, input_size)
    if draw is not None:
        resnetzoo.plots.save_drawing(spec, draw)
    if as_json:
        print_json(facts)
        return
    for key, value in facts.items():
        print(f"{key:<18} {f'{value:,}' if isinstance(value, int) and key in resnetzoo.Complexity._fields else value}")


def _facts(name: str, spec: "resnetzoo.ModelSpec", input_size: int) -> dict[str, object]:
    cost = resnetzoo.complexity(spec, input_size=input_size)
    return {"name": name, **spec.to_dict(), "shortcut": _shortcut(spec), "input_size": input_size, **cost._asdict()}


def _shortcut(spec: "resnetzoo.ModelSpec") -> str:
    return spec.shortcut if spec.has_shortcuts else "none"
