"""Datasets that have only test images: CIFAR-10-C, CIFAR-100-C and CIFAR-10.1."""

import shlex
import sys
import warnings
from pathlib import Path
from typing import Any, NamedTuple

from rich.table import Column, Table

import resnetzoo
from resnetzoo.cli.measures import error_facts, measure, print_facts
from resnetzoo.cli.tables import print_json, print_table

NEW = {"cifar10.1": "v6", "cifar10.1-v6": "v6", "cifar10.1-v4": "v4"}  # word -> version
CORRUPTED = {"cifar10-c": "cifar10", "cifar100-c": "cifar100"}  # word -> the original dataset
CLEAN = {**CORRUPTED, **dict.fromkeys(NEW, "cifar10")}
TEST_SETS = tuple(CLEAN)


class _Clean(NamedTuple):
    """The original test images of CIFAR-10 or CIFAR-100.

    Attributes:
        images: the images; None if they cannot be used.
        reason: why they cannot be used; empty if they can.
    """

    images: "resnetzoo.ImageSet | None"
    reason: str = ""


def print_test_set(dataset: str, data_dir: Path | None, download: bool) -> None:
    """Print what `resnetzoo data` reports about one of these datasets."""
    if dataset in NEW:
        images = resnetzoo.cifar10_1(data_dir, version=NEW[dataset], download=download)
        print(f"data         {images.title}: {len(images):,} test images")
        _print_source(images)
        return
    found = _find_corrupted(dataset, data_dir, download=download)
    print(
        f"data         {found.title}: {found.n:,} test images of {found.clean} "
        f"under {len(found.corruptions)} corruptions at 5 severities"
    )
    _print_source(found)
    for group, names in found.groups.items():
        print(f"{group:<12} {', '.join(names)}")


def _print_source(found: "resnetzoo.CorruptedImages | resnetzoo.NewTestImages") -> None:
    print(f"source       {found.source}{'' if found.official else ' (not an official dataset)'}")


def print_corruptions(
    model: "resnetzoo.CifarNet",
    facts: dict[str, Any],
    dataset: str,
    data_dir: Path | None,
    precision: str,
    *,
    as_json: bool,
) -> None:
    """Print what `resnetzoo eval` reports on CIFAR-10-C or CIFAR-100-C, after the facts about the network."""
    found = _find_corrupted(dataset, data_dir)
    table, reason = _measure_corrupted(model, found, data_dir, precision)
    values = table.to_dict()
    clean = _clean_facts(values["clean_error"], reason)
    if as_json:
        print_json({**facts, "measured_on": found.title, **values, **clean})
        return
    n = f"{table.n:,} images of each corruption at each severity"
    print_facts({**facts, "measured_on": found.title, "official": table.official, "n": n, **clean})
    print_table(_table(table))
    print(f"mean corruption error (15 corruptions): {table.mean_corruption_error:.2f} %")
    print(f"mean error of all {len(table.rows)} corruptions: {table.mean_error_of_all:.2f} %")


def measure_new(
    model: "resnetzoo.CifarNet", dataset: str, data_dir: Path | None, precision: str
) -> tuple["resnetzoo.Evaluation", dict[str, Any]]:
    """The measures on CIFAR-10.1, and the facts to print with them."""
    images = resnetzoo.cifar10_1(data_dir, version=NEW[dataset])
    clean = _find_clean(dataset, [data_dir, data_dir and data_dir.parent])
    normalization = _normalization(model, clean, dataset, data_dir)
    measured = measure(model, images, precision, normalization)
    error = None
    if clean.images is not None:
        beside = resnetzoo.evaluate(model, clean.images, normalization=normalization, precision=precision)
        error = round(beside.error, 4)
    return measured, {
        "measured_on": images.title,
        "official": images.official,
        **error_facts(measured),
        **_clean_facts(error, clean.reason),
    }


def _measure_corrupted(
    model: "resnetzoo.CifarNet",
    found: "resnetzoo.CorruptedImages",
    data_dir: Path | None,
    precision: str,
) -> tuple["resnetzoo.CorruptionTable", str]:
    """The table, and the reason if it contains no clean error."""
    beside = Path(found.source).parent
    clean = _find_clean(found.name, [beside, data_dir])
    normalization = _normalization(model, clean, found.name, data_dir and beside)  # also of more or other images
    if clean.images is not None and not found.is_of(clean.images):
        clean = _unusable(
            f"according to their labels, the {len(clean.images):,} test images of {found.clean} that were found are "
            f"not those of {found.source}"
        )

    def say(row: "resnetzoo.CorruptionRow") -> None:
        print(f"{row.name}: {row.mean:.2f} %", file=sys.stderr)

    table = resnetzoo.evaluate_corruptions(
        model,
        found,
        clean=clean.images,
        normalization=normalization,
        precision=precision,
        on_row=say if sys.stderr.isatty() else None,
    )
    return table, clean.reason


def _normalization(
    model: "resnetzoo.CifarNet", clean: _Clean, dataset: str, folder: Path | None
) -> "resnetzoo.Normalization":
    """The network's own normalization, or else that of the clean images; other test images do not determine it.

    Raises:
        UsageError: the network does not state it, and there are no clean images.
    """
    if model.normalization is not None:
        return model.normalization
    if clean.images is not None:
        return clean.images.normalization("channel")
    word = CLEAN[dataset]
    where = f" --data-dir {shlex.quote(str(folder))}" if folder else ""
    raise resnetzoo.UsageError(
        f"the network does not contain its input normalization, the images of {dataset} do not determine it, and those "
        f"of {word} cannot stand in: {clean.reason}. Put {word} there with "
        f'"resnetzoo data --dataset {word}{where} --download", or pass a checkpoint that contains its normalization, '
        "such as the folder of a run or a file of resnetzoo.save_weights"
    )


def _table(measured: "resnetzoo.CorruptionTable") -> Table:
    table = Table(Column("corruption", no_wrap=True), "group", title="top-1 error in % by severity")
    for name in ("1", "2", "3", "4", "5", "mean"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in measured.rows:
        table.add_row(row.name, row.group, *(f"{error:.2f}" for error in (*row.errors, row.mean)))
    table.add_section()
    means = (*measured.by_severity, measured.mean_corruption_error)
    table.add_row("mean of 15", "all but extra", *(f"{error:.2f}" for error in means))
    return table


def _clean_facts(error: float | None, reason: str) -> dict[str, Any]:
    """The error on the original test images, or the reason why there is none."""
    return {"clean_error": error, "no_clean_error": reason or None}


def _find_corrupted(dataset: str, data_dir: Path | None, *, download: bool = False) -> "resnetzoo.CorruptedImages":
    read = resnetzoo.cifar10_c if dataset == "cifar10-c" else resnetzoo.cifar100_c
    return read(data_dir, download=download)


def _find_clean(dataset: str, roots: list[Path | None]) -> _Clean:
    """The original test images, if they are in one of the folders or in a default location."""
    read = resnetzoo.cifar10 if CLEAN[dataset] == "cifar10" else resnetzoo.cifar100
    for root in (*(root for root in roots if root is not None), None):
        try:
            return _Clean(read(root).test)
        except resnetzoo.errors.DataNotFoundError:
            continue
        except resnetzoo.errors.DataError as error:
            return _unusable(str(error))
    return _Clean(None, f"{CLEAN[dataset]} was not found")


def _unusable(reason: str) -> _Clean:
    """Warn about clean images that were found but cannot be used; warnings also reach those who read JSON."""
    warnings.warn(f"no clean error is measured: {reason}", stacklevel=3)
    return _Clean(None, reason)
