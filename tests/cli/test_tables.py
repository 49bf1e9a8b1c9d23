"""Tables on terminals of every width: no text of a table is cut."""

import io
import os
import pty
import re
import subprocess
from collections.abc import Callable

import pytest
from cases import PARAMS
from hypothesis import given
from hypothesis import strategies as st
from processes import command_line, environment
from rich.table import Column, Table
from rich.text import Text

import resnetzoo
from resnetzoo.bench import Bench, bench_table
from resnetzoo.bench.rows import Row
from resnetzoo.cli import predict, robustness, tables
from resnetzoo.cli import reproduce as cli_reproduce
from resnetzoo.evaluation.corruptions import CorruptionRow, CorruptionTable

CODES = re.compile(r"\x1b\[[\d;]*m")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def printed(table: Table, width: int) -> list[str]:
    """The lines of a table on a terminal."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", terminal := Terminal())
        patch.setenv("COLUMNS", str(width))
        patch.setenv("TERM", "xterm")
        tables.print_table(table)
    return CODES.sub("", terminal.getvalue()).splitlines()


def texts(table: Table) -> list[tuple[str, bool]]:
    """All texts of a table, and whether their column may not be wrapped."""
    return [(str(text), bool(column.no_wrap)) for column in table.columns for text in (column.header, *column.cells)]


def cells_of(lines: list[str]) -> list[str]:
    """What is printed in each column, without spaces and line breaks."""
    rows = [re.split("[│┃]", line)[1:-1] for line in lines if line[:1] in "│┃"]
    return ["".join("".join(column).split()) for column in zip(*rows, strict=True)]


@given(
    st.lists(st.tuples(st.booleans(), st.lists(st.text("ab ", max_size=30), min_size=2, max_size=2)), min_size=1),
    st.integers(60, 120),
)
def test_nothing_is_cut_at_any_width(columns: list[tuple[bool, list[str]]], width: int) -> None:
    columns = columns[: width // 6]
    table = Table(*(Column("title", no_wrap=whole) for whole, _ in columns))
    for row in zip(*(cells for _, cells in columns), strict=True):
        table.add_row(*(Text(cell) for cell in row))
    wanted = ["".join(["title", *cells]).replace(" ", "") for _, cells in columns]
    lines = printed(table, width)
    assert max(map(len, lines)) <= width
    assert cells_of(lines) == wanted


def verdicts(monkeypatch: pytest.MonkeyPatch) -> Table:
    kept: list[Table] = []
    verdict = resnetzoo.reproduce.Verdict(
        "plain networks get worse with depth: plainnet56 has a higher error than plainnet20",
        "not enough evidence",
        "plainnet56 12.345 %, plainnet20 8.765 %; difference 3.580 points",
    )
    monkeypatch.setattr(cli_reproduce, "print_table", lambda table, **_: kept.append(table))
    cli_reproduce._print_verdicts(type("Outcome", (), {"verdicts": [verdict]}))  # type: ignore[arg-type]
    return kept[0]


def predictions(monkeypatch: pytest.MonkeyPatch) -> Table:
    kept: list[Table] = []
    found = resnetzoo.Prediction("photos/of/last/summer/a-very-long-name-of-a-file.png", ("automobile",), (0.123,))
    monkeypatch.setattr(predict, "print_table", lambda table, **_: kept.append(table))
    predict._print_table([found], "resnet20")
    return kept[0]


def corruptions(_: pytest.MonkeyPatch) -> Table:
    rows = [CorruptionRow(name, group, (12.34,) * 5) for name, group in (("elastic_transform", "digital"),)]
    return robustness._table(CorruptionTable("CIFAR-10-C", True, 10_000, tuple(rows), None))


def bench(_: pytest.MonkeyPatch) -> Table:
    names = ("resnetzoo compiled", "torchvision resnet18, 3x3 stem")
    figures = (1e-3, 12.5, 123_456.7, 98_765.4, 1.0, names[1], 12.5, "fp32 (TF32)")
    rows = tuple(Row("resnet18 training, 128 images", name, *figures) for name in names)
    return bench_table(Bench({}, None, 5, 1e5, rows, ()))


TABLES = [verdicts, predictions, corruptions, bench]


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("made", TABLES, ids=lambda made: made.__name__)
def test_no_table_of_a_command_is_cut(
    made: Callable[[pytest.MonkeyPatch], Table],
    width: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = made(monkeypatch)
    whole = [text for text, kept in texts(table) if kept]
    wanted = [
        "".join("".join(f"{text}" for text in (column.header, *column.cells)).split()) for column in table.columns
    ]
    lines = printed(table, width)
    assert cells_of(lines) == wanted
    if width >= 80:
        assert all(part in "\n".join(lines) for text in whole for part in text.split("\n"))


def on_terminal(width: int, *words: str) -> str:
    """What a command prints on a terminal of this width."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command_line(*words), stdout=theirs, env=environment(COLUMNS=str(width), TERM="xterm"), text=True
    )
    os.close(theirs)
    said = b""
    try:
        while part := os.read(ours, 65536):
            said += part
    except OSError:  # EIO: the other end is closed
        pass
    os.close(ours)
    assert process.wait() == 0
    return CODES.sub("", said.decode())


@pytest.mark.parametrize("width", [40, 80, 120])
def test_list_shows_names_and_numbers_whole(width: int) -> None:
    said = on_terminal(width, "resnetzoo", "list")
    rows = {line.split()[1]: line for line in said.splitlines() if line.startswith("│")}
    assert list(rows) == resnetzoo.list_models()
    assert all(f" {PARAMS[name]:,} " in line for name, line in rows.items())
    assert ("multiply-adds" in said.split("left out")[0]) == (width >= 80)
    assert ("left out" in said) == (width < 120)
    assert max(len(line) for line in said.splitlines()) <= width
