"""Metrics by name, as `evaluate` and the command line accept them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import Tensor

from resnetzoo.errors import UsageError
from resnetzoo.evaluation.calibration import expected_calibration_error
from resnetzoo.evaluation.checked_logits import Values, checked
from resnetzoo.evaluation.scores import (
    accuracy_by_class,
    brier_score,
    confusion_matrix,
    negative_log_likelihood,
    top_k_error,
)
from resnetzoo.evaluation.temperature import temperature_scaling
from resnetzoo.utils.text import kind_of

Metric = Callable[[Tensor, Tensor], Any]
"""A function of logits (N, classes), float64 on the CPU, and labels (N,)."""


def top1_error(logits: Tensor, labels: Tensor) -> float:
    """Top-1 error in percent."""
    return top_k_error(logits, labels)


def top5_error(logits: Tensor, labels: Tensor) -> float:
    """Top-5 error in percent."""
    return top_k_error(logits, labels, k=5)


def ece_equal_mass(logits: Tensor, labels: Tensor) -> float:
    """Expected calibration error over bins of equal mass, in percentage points."""
    return expected_calibration_error(logits, labels, binning="equal_mass")


METRICS: dict[str, Metric] = {
    "top1_error": top1_error,
    "top5_error": top5_error,
    "nll": negative_log_likelihood,
    "brier": brier_score,
    "ece": expected_calibration_error,
    "ece_equal_mass": ece_equal_mass,
    "temperature": temperature_scaling,
    "accuracy_by_class": accuracy_by_class,
    "confusion_matrix": confusion_matrix,
}
"""The metrics that `measure` and `evaluate` know by name, each a function of logits and labels."""

_LEAST_CLASSES = {"top5_error": 5}
_LEAST_IMAGES = {"temperature": 2}

MetricNames = str | Iterable[str | Metric]


def named_metrics(metrics: MetricNames) -> dict[str, Metric] | None:
    """Check the requested metrics before anything is measured, and return them by name; None for "all" of them.

    Raises:
        UsageError: a name is unknown, a metric is neither a name nor a function, or two functions have the same name.
    """
    if isinstance(metrics, str) and metrics == "all":  # a comparison with a metric of torchmetrics is always true
        return None
    alone = isinstance(metrics, str | bytes) or callable(metrics) or not isinstance(metrics, Iterable)
    if isinstance(metrics, Mapping) and not alone:
        raise UsageError(f"metrics are names or functions in a list, not {kind_of(metrics)}")
    asked = (metrics,) if alone else tuple(metrics)
    named: dict[str, Metric] = {}
    for metric in asked:
        if isinstance(metric, str) and metric not in METRICS:
            known = ", ".join(METRICS)
            raise UsageError(f'no metric is called "{metric}"; choose from {known}, or metrics="all" for all of them')
        if not isinstance(metric, str) and not callable(metric):
            raise UsageError(f"a metric is a name or a function of logits and labels, not {kind_of(metric)}")
        name = metric if isinstance(metric, str) else getattr(metric, "__name__", type(metric).__name__)
        function = METRICS[metric] if isinstance(metric, str) else metric
        if named.setdefault(name, function) is not function:
            raise UsageError(
                f'two metrics are called "{name}", under which only one result can be returned: give one of them '
                f'another name, such as metric.__name__ = "{name}_2"'
            )
    return named


def measurable(images: int, classes: int) -> tuple[str, ...]:
    """The names in `METRICS` that can be computed for this many images and classes.

    >>> sorted(set(METRICS) - set(measurable(1, 4)))
    ['temperature', 'top5_error']
    """
    return tuple(
        name for name in METRICS if classes >= _LEAST_CLASSES.get(name, 1) and images >= _LEAST_IMAGES.get(name, 1)
    )


def measure(logits: Values, labels: Values, metrics: MetricNames = "all") -> dict[str, Any]:
    """Several metrics of the same images, by name.

    Args:
        logits: (N, classes).
        labels: (N,), from 0.
        metrics: names from `METRICS`, or functions of logits and labels, such as those of torchmetrics, whose results
            get the names of the functions. `all` is every one of `METRICS` for which there are enough classes and
            images: `top5_error` needs five classes, and `temperature` two images.

    Raises:
        UsageError: a name is unknown, two functions have the same name, there are too few classes or images for one of
            them, there is no image, a shape is wrong, or a label has no logit.
        NonFiniteLossError: a logit is NaN or plus infinity.
    """
    return measure_named(logits, labels, named_metrics(metrics))


def measure_named(logits: Values, labels: Values, named: dict[str, Metric] | None) -> dict[str, Any]:
    """Like `measure`, for the result of `named_metrics`."""
    values, truth = checked(logits, labels)
    images, classes = values.shape
    if named is None:
        named = {name: METRICS[name] for name in measurable(images, classes)}
    _check_measurable(named, images, classes)
    # A function from the caller may change its arguments.
    return {
        name: metric(values, truth) if METRICS.get(name) is metric else metric(values.clone(), truth.clone())
        for name, metric in named.items()
    }


def _check_measurable(named: dict[str, Metric], images: int, classes: int) -> None:
    """Refuse a metric of `METRICS` for which there are too few classes or images.

    Raises:
        UsageError: names the metric, and says what it needs.
    """
    for name in named.keys() - measurable(images, classes):
        if METRICS.get(name) is named[name]:
            few = classes < (least := _LEAST_CLASSES.get(name, 1))
            need = f"{least} classes, not {classes}" if few else f"{_LEAST_IMAGES[name]} images, not {images}"
            raise UsageError(f"{name} needs logits of at least {need}")
