"""Datasets that have only test images: CIFAR-10-C, CIFAR-100-C and CIFAR-10.1."""

import sys
import warnings
from pathlib import Path
from typing import Any

from rich.table import Table

import resnetzoo
from resnetzoo.cli.measures import error_facts, print_facts
from resnetzoo.cli.tables import print_json, print_table

NEW = {"cifar10.1": "v6", "cifar10.1-v6": "v6", "cifar10.1-v4": "v4"}  # the version of each word
CLEAN = {"cifar10-c": "cifar10", "cifar100-c": "cifar100", **dict.fromkeys(NEW, "cifar10")}
TEST_SETS = tuple(CLEAN)


def print_test_set(dataset: str, data_dir: Path | None, download: bool) -> None:
    """Print what `resnetzoo data` reports about one of them."""
    if dataset in NEW:
        images = resnetzoo.cifar10_1(data_dir, version=NEW[dataset], download=download)
        print(f"data         CIFAR-10.1 {NEW[dataset]}: {len(images):,} test images")
        return
    found = _find_corrupted(dataset, data_dir, download=download)
    print(
        f"data         {found.title}: {found.n:,} test images of {found.clean} "
        f"under {len(found.corruptions)} corruptions at 5 severities"
    )
    print(f"source       {found.source}{'' if found.official else ' (not an official dataset)'}")
    for group, names in found.groups.items():
        print(f"{group:<12} {', '.join(names)}")


def print_evaluation(
    model: "resnetzoo.CifarNet",
    facts: dict[str, Any],
    dataset: str,
    data_dir: Path | None,
    precision: str,
    *,
    as_json: bool,
) -> None:
    """Print what `resnetzoo eval` reports for a network on one of them, after the facts about the network."""
    if dataset in NEW:
        measured = _measure_new(model, dataset, data_dir, precision)
        if as_json:
            print_json({**facts, **measured})
        else:
            print_facts({**facts, **measured, "clean_error": _clean_words(measured["clean_error"], dataset)})
        return
    table = _measure_corrupted(model, dataset, data_dir, precision)
    values = table.to_dict()
    if as_json:
        print_json({**facts, **values})
        return
    n = f"{table.n:,} images of each corruption at each severity"
    clean = _clean_words(values["clean_error"], dataset)
    print_facts({**facts, "measured_on": dataset, "official": table.official, "n": n, "clean_error": clean})
    print_table(_table(table))
    print(f"mean corruption error (15 corruptions): {table.mean_corruption_error:.2f} %")
    print(f"mean error of all {len(table.rows)} corruptions: {table.mean_error_of_all:.2f} %")


def _measure_new(model: "resnetzoo.CifarNet", dataset: str, data_dir: Path | None, precision: str) -> dict[str, Any]:
    images = resnetzoo.cifar10_1(data_dir, version=NEW[dataset])
    clean = _find_clean(dataset, [data_dir, data_dir and data_dir.parent])
    normalization = clean.normalization("channel") if clean is not None and model.normalization is None else None
    measured = resnetzoo.evaluate(model, images, normalization=normalization, precision=precision)
    beside = clean and resnetzoo.evaluate(model, clean, normalization=normalization, precision=precision)
    return {
        "measured_on": f"CIFAR-10.1 {NEW[dataset]}",
        **error_facts(measured),
        "clean_error": beside and round(beside.error, 4),
    }


def _measure_corrupted(
    model: "resnetzoo.CifarNet", dataset: str, data_dir: Path | None, precision: str
) -> "resnetzoo.CorruptionTable":
    found = _find_corrupted(dataset, data_dir)
    clean = _find_clean(dataset, [Path(found.source).parent, data_dir])
    if clean is not None and not found.is_of(clean):
        warnings.warn(
            f"no clean error is measured: according to their labels, the {len(clean):,} test images of {found.clean} "
            f"that were found are not those of {found.source}",
            stacklevel=2,
        )
        clean = None

    def say(row: "resnetzoo.CorruptionRow") -> None:
        print(f"{row.name}: {row.mean:.2f} %", file=sys.stderr)

    on_row = say if sys.stderr.isatty() else None
    return resnetzoo.evaluate_corruptions(model, found, clean=clean, precision=precision, on_row=on_row)


def _table(measured: "resnetzoo.CorruptionTable") -> Table:
    table = Table("corruption", "group", title="top-1 error in % by severity")
    for name in ("1", "2", "3", "4", "5", "mean"):
        table.add_column(name, justify="right")
    for row in measured.rows:
        table.add_row(row.name, row.group, *(f"{error:.2f}" for error in (*row.errors, row.mean)))
    table.add_section()
    means = (*measured.by_severity, measured.mean_corruption_error)
    table.add_row("mean of 15", "all but extra", *(f"{error:.2f}" for error in means))
    return table


def _clean_words(error: float | None, dataset: str) -> str:
    return f"not measured: {CLEAN[dataset]} was not found" if error is None else f"{error:.4f}"


def _find_corrupted(dataset: str, data_dir: Path | None, *, download: bool = False) -> "resnetzoo.CorruptedImages":
    read = resnetzoo.cifar10_c if dataset == "cifar10-c" else resnetzoo.cifar100_c
    return read(data_dir, download=download)


def _find_clean(dataset: str, roots: list[Path | None]) -> "resnetzoo.ImageSet | None":
    """The original test images, if they are in one of the folders or in a default location."""
    read = resnetzoo.cifar10 if CLEAN[dataset] == "cifar10" else resnetzoo.cifar100
    for root in (*(root for root in roots if root is not None), None):
        try:
            return read(root).test
        except resnetzoo.errors.DataNotFoundError:
            continue
        except resnetzoo.errors.DataError as error:
            warnings.warn(f"no clean error is measured: {error}", stacklevel=2)
            return None
    return None
