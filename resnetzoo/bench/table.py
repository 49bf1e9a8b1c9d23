"""The short benchmark as a printed table."""

from typing import TYPE_CHECKING

from resnetzoo.bench.suite import Bench
from resnetzoo.utils.text import counted, device_words

if TYPE_CHECKING:
    from rich.table import Table


def bench_table(bench: Bench) -> "Table":
    """The table of the results: one block per race, one row per candidate. rich is imported only here."""
    from rich.table import Table

    table = Table("race, candidate")
    for title in ("precision", "images/s", "GFLOP/s", "of matrix\nrate", "ratio", "first\ncall"):
        table.add_column(title, justify="right", no_wrap=True)
    work = ""
    for row in bench.rows:
        if row.work != work:
            work = row.work
            if table.row_count:
                table.add_section()
            table.add_row(work)
        table.add_row(
            f"  {row.name}",
            row.precision,
            f"{row.images_per_second:,.0f}",
            f"{row.gflops:,.1f}",
            f"{100 * row.matrix_fraction:.0f} %",
            "-" if row.ratio is None else f"{row.ratio:.2f}x",
            f"{row.first_seconds:.1f} s" if row.name.startswith("resnetzoo ") else "",
        )
    return table


def bench_notes(bench: Bench) -> list[str]:
    """The lines that explain the figures, to print under the table."""
    ours = sum(row.first_seconds for row in bench.rows if row.name.startswith("resnetzoo "))
    made = {True: "compiled", False: "not compiled", None: "compiled or not, as fit and optimize decide"}[
        bench.compiled
    ]
    if bench.recorded is False:
        made += ", no step recorded"
    precision = bench.place["precision"]
    peers_tf32 = bench.place["tf32"]["peers"]
    shortened = "with TF32 convolutions, which torch allows by default" if peers_tf32 else "without TF32"
    return [
        f"device       {device_words(bench.place['device'])}; torch {bench.place['versions']['torch']}",
        f"resnetzoo    {precision}, no TF32; {made}; the first calls took {ours:.0f} s in all",
        f"peers        eager, fp32 {shortened}, as their documentation runs them",
        f"ratio        {_compared_with(bench)}",
        f"matrix rate  {bench.matrix_gflops:,.0f} GFLOP/s in {precision}, measured in the same rounds",
        f"figures      medians of {counted(bench.rounds, 'round')}, each with every candidate once; "
        "2 FLOP per multiply-add",
        *(f"missing      {line}" for line in bench.missing),
    ]


def _compared_with(bench: Bench) -> str:
    """What the ratios compare with; for many networks no library that takes part has the same one."""
    peers = list(dict.fromkeys(row.peer for row in bench.rows if row.peer))
    if not peers:
        return "none, since no library that took part has the same network"
    return f"to the same network of another library ({'; '.join(peers)}), round by round"
