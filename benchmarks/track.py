"""Keep the results of the benchmarks by machine and version, and show how they moved.

    python -m pytest benchmarks --benchmark-json runs/bench.json
    python benchmarks/track.py record runs/bench.json
    python benchmarks/track.py history

`history` prints the newest figures of each machine beside the best before, draws `history.png` beside the records, and
ends with status 1 if a newest figure is more than 10 % below the best before. A drop that is meant is recorded with
--baseline and the reason: later figures are then compared with that record and what follows it.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from picture import save_history
from records import RESULTS, RecordError, from_pytest, read_records, save_record
from rich.console import Console
from rich.table import Table
from trend import DROP, Point, by_machine, points_of

import resnetzoo


def main() -> int:
    args = parse_args()
    try:
        return record(args) if args.command == "record" else history(args)
    except (resnetzoo.ResnetzooError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, resnetzoo.UsageError) else 1


def record(args: argparse.Namespace) -> int:
    made = from_pytest(args.file, allow_dirty=args.allow_dirty, baseline=args.baseline)
    path = save_record(made, args.results, replace=args.replace)
    print(f"{len(made.benchmarks)} benchmarks recorded in {path}")
    return 0


def history(args: argparse.Namespace) -> int:
    records = read_records(args.results)
    if not records:
        raise RecordError(f"{args.results}: no records yet; use track.py record FILE")
    drops: list[str] = []
    for machine, group in by_machine(records).items():
        points = points_of(group)
        newest = [point for point in points if point.record is group[-1]]
        print(f"{machine}: {group[-1].label}, {len(group)} records")
        Console(width=None if sys.stdout.isatty() else 120).print(newest_table(newest))
        picture = args.results / machine / "history.png"
        save_history(points, picture)
        print(f"drawn: {picture}\n")
        drops += [f"{machine}: {drop_line(point)}" for point in newest if point.dropped]
    for line in drops:
        print(f"drop of more than {100 * DROP:.0f} %: {line}")
    return 1 if drops else 0


def newest_table(points: Sequence[Point]) -> Table:
    table = Table("benchmark")
    for title in ("median", "images/s", "normalised", "best before", "change", "ratio to peer"):
        table.add_column(title, justify="right")
    for point in points:
        figures = point.record.benchmarks[point.benchmark]
        table.add_row(
            point.benchmark.replace("[", r"\["),
            f"{1e3 * figures['median']:,.4g} ms",
            f"{figures['images_per_second']:,.0f}" if figures.get("images_per_second") else "-",
            f"{point.normalised:.4g}",
            "-" if point.best is None else f"{point.best:.4g}",
            "-" if point.best is None else f"{100 * point.change:+.1f} %{' DROP' * point.dropped}",
            f"{figures['ratio']:.2f}x" if figures.get("ratio") else "-",
        )
    return table


def drop_line(point: Point) -> str:
    return f"{point.benchmark} {100 * point.change:+.1f} %, {point.normalised:.4g} after {point.best:.4g}"


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FOLDER", help="folder of the records")
    commands = parser.add_subparsers(dest="command", required=True)
    recording = commands.add_parser("record", help="store a result file of pytest-benchmark")
    recording.add_argument("file", type=Path, help="what --benchmark-json wrote")
    recording.add_argument("--allow-dirty", action="store_true", help="accept code that is not committed")
    recording.add_argument("--replace", action="store_true", help="overwrite a record of the same version and commit")
    recording.add_argument("--baseline", default="", metavar="REASON", help="compare later records with this one")
    commands.add_parser("history", help="print the table and the drops, and draw the picture")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
