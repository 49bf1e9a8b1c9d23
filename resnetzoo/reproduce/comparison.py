"""Compare several runs: a table by epoch, and files that hold every figure."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import mean
from typing import Any

from resnetzoo.data.titles import data_title
from resnetzoo.errors import UsageError
from resnetzoo.reproduce.comparable import checked_runs, common_epochs, seeds_of_networks
from resnetzoo.training.results import RunRecord
from resnetzoo.utils.checksummed_json import write_checksummed
from resnetzoo.utils.files import write_text
from resnetzoo.utils.markdown import padded_table
from resnetzoo.utils.paths import user_path
from resnetzoo.utils.spread import sample_deviation
from resnetzoo.utils.text import device_words, short_fingerprint, some


def by_name(runs: Sequence[RunRecord]) -> dict[str, list[RunRecord]]:
    """The runs of each network over its seeds, by label, in the order of each network's first run.

    A run that is given twice counts once. Runs of one network with different recipes are separate groups, whose names
    are the label and the recipe: `resnet20, QUICK20-5ep`.

    Raises:
        UsageError: there are no runs, they are on different data, or runs of one group differ in more than the seed.
    """
    return seeds_of_networks(runs)


def measured_on(runs: Sequence[RunRecord]) -> str:
    """The name of the runs' test set, with a note if it is not the official one.

    Raises:
        UsageError: there are no runs, or they are on different data.
    """
    data = checked_runs(runs)[0].data
    title = data_title(data["name"], data["part"])
    if data["official"]:
        return title
    return f"{title}: NOT CIFAR-10" if data["name"] == "synthetic" else f"{title} (NOT the official files)"


def is_cifar10(runs: Sequence[RunRecord]) -> bool:
    """Whether the runs are on CIFAR-10, as the published errors are."""
    return bool(checked_runs(runs)[0].data["name"] == "cifar10")


def provenance_line(runs: Sequence[RunRecord]) -> str:
    """One line that says how the figures were made, for the foot of a figure or a table.

    Raises:
        UsageError: there are no runs, or they are on different data.
    """
    data = checked_runs(runs)[0].data
    return "; ".join(
        [
            f"{_distinct(run.recipe.name for run in runs)}, {seeds_words(runs)}",
            f"n = {data['train_images']:,} training, {data['test_images']:,} test images",
            f"data {short_fingerprint(data['fingerprint'])}",
            f"{_distinct(device_words(run.device) for run in runs)}, {_distinct(run.precision for run in runs)}",
            f"torch {_distinct(run.versions['torch'] for run in runs)}",
            f"commit {_distinct(run.commit[:12] if run.commit else 'unknown' for run in runs)}",
        ]
    )


def seeds_words(runs: Sequence[RunRecord]) -> str:
    """The seeds in words, such as `seeds 0, 1, 2`.

    Raises:
        UsageError: there are no runs, or they are on different data.
    """
    seeds = sorted({run.seed for run in checked_runs(runs)})
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"


def _distinct(words: Iterable[str]) -> str:
    """Each word once, in the order of first appearance."""
    *first, last = dict.fromkeys(words)
    return f"{', '.join(first)} and {last}" if first else last


def accuracy_table(runs: Sequence[RunRecord], source: Mapping[str, Mapping[int, float]]) -> str:
    """A table of top-1 test accuracy by epoch, in percent: one column per network, then the columns of `source`.

    With several seeds a cell holds the mean and the sample standard deviation, in the epochs that all of them have. The
    runs are grouped by `by_name`, with a column for each recipe of a network.

    Args:
        runs: one or more runs of each network.
        source: published columns to show beside ours: title -> epoch -> accuracy; an epoch without one shows "-".

    Raises:
        UsageError: as in `by_name`, or two columns have the same title.
    """
    groups = by_name(runs)
    ours = {name: name if len(group) == 1 else f"{name} (n={len(group)})" for name, group in groups.items()}
    titles = ["epoch", *ours.values(), *source]
    _check_titles(titles)
    columns = [
        {rows[0].epoch: _cell([100 - row.test_error for row in rows]) for rows in common_epochs(group)}
        for group in groups.values()
    ]
    columns += [{epoch: f"{value:.2f}" for epoch, value in values.items()} for values in source.values()]
    count = max(len(run.epochs) for group in groups.values() for run in group)
    return padded_table(
        titles,
        [[str(epoch), *(column.get(epoch, "-") for column in columns)] for epoch in range(1, count + 1)],
    )


def _check_titles(titles: Sequence[str]) -> None:
    """Refuse two columns with the same title, which no reader could tell apart."""
    twice = next((title for title in titles if titles.count(title) > 1), None)
    if twice is not None:
        raise UsageError(
            f'two columns of the table are called "{twice}": give that of `source` another title, such as '
            f'"{twice}, published", or one of the runs another name, as dataclasses.replace(run, name=...) does'
        )


def save_results(runs: Sequence[RunRecord], out: str | Path, **notes: Any) -> None:
    """Write `out/results.json` (everything but the weights) and `out/epochs.csv` (one row per epoch of each run).

    A run that is given twice is written once.

    Raises:
        UsageError: there are no runs, or they are on different data.
        OutputError: `out` cannot be written.
    """
    out, runs = user_path(out), checked_runs(runs)
    results = {**notes, "data": runs[0].data, "runs": [run.to_dict() for run in runs]}
    write_checksummed(out / "results.json", results)
    write_csv(
        out / "epochs.csv", [{"model": run.name, "seed": run.seed, **asdict(row)} for run in runs for row in run.epochs]
    )


def write_csv(path: str | Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write one or more rows as CSV, with the keys of the first as header; a cell is empty if its row lacks the key.

    Raises:
        UsageError: there are no rows, or a row has a key that the first one lacks.
        OutputError: `path` cannot be written.
    """
    if not rows:
        raise UsageError("a CSV file needs at least one row, whose keys are its header")
    if other := next((row for row in rows if not row.keys() <= rows[0].keys()), None):
        raise UsageError(f"rows may only have the keys of the first, {some([*rows[0]])}, but one has {some([*other])}")
    table = io.StringIO()
    writer = csv.DictWriter(table, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(user_path(path), table.getvalue())


def _cell(values: Sequence[float]) -> str:
    return f"{values[0]:.2f}" if len(values) == 1 else f"{mean(values):.2f} ± {sample_deviation(values):.2f}"
