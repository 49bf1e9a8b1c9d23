"""What `resnetzoo eval` prints beyond error and loss."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import resnetzoo
from resnetzoo.cli.tables import print_json

PRINTED = ("top5_error", "brier", "ece", "ece_equal_mass", "temperature")


def measure(
    network: "resnetzoo.CifarNet",
    images: "resnetzoo.ImageSet",
    precision: str,
    normalization: "resnetzoo.Normalization | None" = None,
) -> "resnetzoo.Evaluation":
    """All measures that are printed and drawn, except those that need more images or classes."""
    names = resnetzoo.metrics.measurable(len(images), network.num_classes or 1)
    wanted: list[Any] = [name for name in names if name in PRINTED]
    return resnetzoo.evaluate(
        network,
        images,
        normalization=normalization,
        precision=precision,
        metrics=[*wanted, "confusion_matrix", resnetzoo.metrics.calibration],
    )


def print_measured(
    measured: "resnetzoo.Evaluation", facts: dict[str, Any], classes: Sequence[str] | None, *, as_json: bool
) -> None:
    """Print a result of `measure` after the facts, with `classes` as in `print_measures`."""
    if as_json:
        print_json({**facts, **as_facts(measured), "error_by_class": rows_by_class(measured)})
        return
    print_facts(facts)
    print_measures(measured, classes)
    print_by_class(measured)


def error_facts(measured: "resnetzoo.Evaluation") -> dict[str, Any]:
    """Error and loss as plain values, for JSON."""
    return {
        "n": measured.n,
        "test_error": round(measured.error, 4),
        "standard_error": round(measured.standard_error, 4),
        "test_loss": round(measured.loss, 6),
    }


def print_facts(facts: dict[str, Any]) -> None:
    """Print the facts, one per line, except those that are None."""
    for key, value in facts.items():
        if value is not None:
            print(f"{key:<18} {value}")


def as_facts(measured: "resnetzoo.Evaluation") -> dict[str, Any]:
    """The measures as plain values, for JSON."""
    values = {name: value for name, value in measured.metrics.items() if name in PRINTED}
    rounded = {name: round(value, 6) for name, value in values.items() if name != "temperature"}
    if "temperature" in values:
        rounded["temperature_scaling"] = asdict(values["temperature"])
    return {**rounded, "confusion_matrix": measured.metrics["confusion_matrix"].tolist()}


def print_measures(measured: "resnetzoo.Evaluation", classes: Sequence[str] | None) -> None:
    """Print the measures, one per line, and the five most frequent confusions.

    Args:
        measured: a result of `measure`.
        classes: what the network calls its classes; None for the names that the images give them.
    """
    for name in PRINTED:
        if name in measured.metrics:
            value = measured.metrics[name]
            print(f"{name:<18} {value if name == 'temperature' else round(value, 4)}")
    matrix = measured.metrics["confusion_matrix"].clone()
    matrix.fill_diagonal_(0)
    labels, predicted = _names(measured, classes)
    for place in matrix.flatten().argsort(descending=True, stable=True)[:5].tolist():
        row, column = divmod(place, len(matrix))
        if count := int(matrix[row, column]):
            print(f"confused: {count} of {labels[row]} classified as {predicted[column]}")


def rows_by_class(measured: "resnetzoo.Evaluation") -> list[dict[str, Any]]:
    """The error of each class as plain values, for JSON."""
    return [
        {"class": row.name, "n": row.n, "error": None if row.error is None else round(row.error, 4)}
        for row in measured.by_class
    ]


def print_by_class(measured: "resnetzoo.Evaluation") -> None:
    """Print the error of each class, one line each."""
    for row in measured.by_class:
        print(f"error of {row.name}: {'no image' if row.error is None else f'{row.error:.2f} % (n={row.n:,})'}")


def save_plot(path: Path, measured: "resnetzoo.Evaluation", classes: Sequence[str] | None, title: str) -> None:
    """Draw the measures into a file; `classes` are those of `print_measures`."""
    labels, predicted = _names(measured, classes)
    matrix = measured.metrics["confusion_matrix"]
    resnetzoo.metrics.save_test_figure(path, measured.metrics["calibration"], matrix, labels, title, predicted)


def _names(measured: "resnetzoo.Evaluation", classes: Sequence[str] | None) -> tuple[list[str], list[str]]:
    """What the images call the classes of a confusion matrix, and what the network calls them.

    A network may have more classes than the images; these go by their numbers.
    """
    places = range(len(measured.metrics["confusion_matrix"]))
    labels = [row.name for row in measured.by_class]
    names = labels if classes is None else list(classes)
    numbered = [[known[place] if place < len(known) else str(place) for place in places] for known in (labels, names)]
    return numbered[0], numbered[1]
