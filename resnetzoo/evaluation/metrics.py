"""Measure a network on a set of images."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's standard name)

from resnetzoo.data.image_set import ImageSet
from resnetzoo.data.normalization import Normalization
from resnetzoo.errors import NonFiniteLossError, UsageError
from resnetzoo.evaluation.named_metrics import MetricNames, measure_named, named_metrics
from resnetzoo.evaluation.stored_logits import StoredLogits
from resnetzoo.models.answers import checked_logits_of
from resnetzoo.models.introspection import known_normalization
from resnetzoo.models.matching import check_channels, in_class_order
from resnetzoo.models.wrappers import innermost
from resnetzoo.utils.device import at_least_fp32, resolve_precision
from resnetzoo.utils.fp32 import computing
from resnetzoo.utils.layout import ImageLayout
from resnetzoo.utils.modules import check_values, device_of, evaluating, input_dtype
from resnetzoo.utils.text import counted
from resnetzoo.utils.validation import check_kind, check_whole_number


@dataclass(frozen=True)
class EvaluationSums:
    """Sums over the images so far, in tensors that are updated in place.

    Attributes:
        loss: summed cross-entropy in nats, () float32, because the figures of recorded runs are repeated to the last
            digit; with batches of hundreds of images it is off by about a millionth.
        num_incorrect: number of images whose most likely class is not the label, () int64.
        layout: memory format of the images, for the same network in each call.
    """

    loss: Tensor
    num_incorrect: Tensor
    layout: ImageLayout = field(default_factory=ImageLayout)

    @classmethod
    def zeros(cls, device: torch.device) -> "EvaluationSums":
        """The sums over no images."""
        return cls(
            torch.zeros((), dtype=torch.float32, device=device), torch.zeros((), dtype=torch.int64, device=device)
        )

    def reset(self) -> None:
        """Set the sums to zero."""
        self.loss.zero_()
        self.num_incorrect.zero_()

    def add(self, model: nn.Module, inputs: Tensor, labels: Tensor, num_classes: int) -> Tensor:
        """Add a batch of normalized images (n, C, H, W) and their labels (n,), without waiting for the device.

        Returns:
            The logits (n, classes).

        Raises:
            UsageError: the network returns something other than logits, or fewer logits than there are classes.
        """
        logits = _logits(model, self.layout, inputs, len(labels), num_classes)
        self.loss.add_(F.cross_entropy(logits.float(), labels, reduction="sum"))
        self.num_incorrect.add_((logits.argmax(dim=1) != labels).sum())
        return logits


def _logits(model: nn.Module, layout: ImageLayout, inputs: Tensor, count: int, num_classes: int) -> Tensor:
    logits = checked_logits_of(model, layout.call(model, inputs), count, num_classes)
    if logits.shape[-1] < num_classes:
        raise UsageError(f"the network has {counted(logits.shape[-1], 'class')}, but the images have {num_classes}")
    return logits


class ClassError(NamedTuple):
    """The error on the images of one class.

    Attributes:
        name: name of the class.
        n: number of its images.
        incorrect: number of them that were assigned to another class.
    """

    name: str
    n: int
    incorrect: int

    @property
    def error(self) -> float | None:
        """The error in percent; None for a class without images."""
        return 100 * self.incorrect / self.n if self.n else None


@dataclass(frozen=True)
class Evaluation:
    """Averages over `n` images.

    Attributes:
        error: top-1 error in percent.
        loss: mean cross-entropy in nats, without label smoothing.
        n: number of images.
        by_class: the error of each class, in the order of the labels; empty if it was not counted.
        metrics: further metrics that were requested, by name.
    """

    error: float
    loss: float
    n: int
    by_class: tuple["ClassError", ...] = ()
    metrics: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @classmethod
    def of_sums(cls, sums: Sequence[Tensor], n: int) -> "Evaluation":
        """Averages from the summed loss and the number of incorrect predictions; this waits for a GPU."""
        loss, num_incorrect = sums
        return cls(error=100 * int(num_incorrect) / n, loss=float(loss) / n, n=n)

    @property
    def accuracy(self) -> float:
        """Top-1 accuracy in percent."""
        return 100 - self.error

    @property
    def standard_error(self) -> float:
        """Binomial standard error of `error`, in percent."""
        return binomial_standard_error(self.error, self.n)


def binomial_standard_error(error: float, n: int) -> float:
    """Standard error of a test error on `n` images drawn at random, both in percent."""
    return math.sqrt(error * (100 - error) / n)


def evaluate(
    model: nn.Module,
    images: ImageSet,
    *,
    normalization: Normalization | None = None,
    precision: str = "fp32",
    batch_size: int = 500,
    metrics: MetricNames = (),
) -> Evaluation:
    """Measure top-1 error and loss in evaluation mode, on the device and in the type of the model; it is not changed.

    Args:
        model: images (N, C, H, W) -> logits (N, classes); it may be wrapped, for example by `nn.DataParallel` or
            `torch.compile`.
        images: the images to measure on, such as `data.test`. If network and images both name their classes, labels
            are converted to the network's order.
        normalization: the map from pixels to input. By default that of the model's training, if `fit` or
            `load_checkpoint` stored it on the model or on what it wraps, or else the one that the mean and standard
            deviation of `images` give.
        precision: precision of a network in fp32: `fp32`, `bf16` or `auto`. Other networks compute in their own type.
        batch_size: number of images per batch.
        metrics: further metrics for `Evaluation.metrics`: names from `resnetzoo.metrics.METRICS`, functions of logits
            and labels, or `all`; see `resnetzoo.metrics.measure`.

    Raises:
        UsageError: `batch_size` is below one; the precision or a metric is unknown, or two metrics have the same name;
            the network has no classifier, or returns something other than logits or fewer logits than there are
            classes; `images` is not an `ImageSet`, or has another number of channels than the network;
            `normalization` is not a `Normalization`; the model does not state its normalization but was scripted or
            traced, or contains a network that states one; or it is on the meta device.
        NonFiniteLossError: the mean loss is infinite or NaN, or metrics were requested and a logit is NaN or infinite.

    Warns:
        UserWarning: the images have the network's classes in another order, or other classes.
    """
    named = named_metrics(metrics)
    if named == {}:
        return _tested(model, images, normalization, precision, batch_size, None)[0]
    logits: list[Tensor] = []
    measured, images = _tested(model, images, normalization, precision, batch_size, logits.append)
    return replace(measured, metrics=measure_named(torch.cat(logits), images.labels, named))


def logits_of(
    model: nn.Module,
    images: ImageSet,
    *,
    normalization: Normalization | None = None,
    precision: str = "fp32",
    batch_size: int = 500,
) -> StoredLogits:
    """The logits of each image, as a run of `fit` stores them; arguments and errors are those of `evaluate`."""
    logits: list[Tensor] = []
    _, images = _tested(model, images, normalization, precision, batch_size, logits.append)
    return StoredLogits.of(torch.cat(logits), images)


def _tested(
    model: nn.Module,
    images: ImageSet,
    normalization: Normalization | None,
    precision: str,
    batch_size: int,
    keep: Callable[[Tensor], None] | None,
) -> tuple[Evaluation, ImageSet]:
    """Error and loss, and the images with labels in the network's order; `keep` is called with each batch of logits."""
    check_whole_number("batch_size", batch_size)
    check_channels(model, images)
    check_values(model)
    check_kind("normalization", normalization, Normalization | None)
    device = device_of(model)
    resolved = resolve_precision(precision, device)
    if getattr(innermost(model), "num_classes", None) == 0:
        raise UsageError("the network has no classifier and therefore no error: add one with reset_classifier")
    images = in_class_order(model, images)
    normalize = normalization or known_normalization(model) or images.normalization("channel")
    if input_dtype(model) != torch.float32:  # autocast is only for networks in fp32
        resolved = "fp32"
    counts = torch.zeros(len(images.classes), dtype=torch.int64, device=device)
    with evaluating(model), torch.inference_mode(), computing(device, resolved):
        losses = _losses(model, images, normalize, batch_size, device, counts, keep)
    measured = Evaluation.of_sums((losses.cpu().double().sum(), counts.sum()), n=len(images))
    if not math.isfinite(measured.loss):
        raise NonFiniteLossError(
            f"the network's loss on these {len(images):,} images is {measured.loss}, so its error means nothing: its "
            "training diverged, or its weights do not fit this input or precision"
        )
    totals = torch.bincount(images.labels.cpu(), minlength=len(images.classes)).tolist()
    rows = zip(images.classes, totals, counts.tolist(), strict=True)
    return replace(measured, by_class=tuple(ClassError(*row) for row in rows)), images


def _losses(
    model: nn.Module,
    images: ImageSet,
    normalize: Normalization,
    batch_size: int,
    device: torch.device,
    incorrect_by_class: Tensor,
    keep: Callable[[Tensor], None] | None,
) -> Tensor:
    """The loss of each image, (N,), on the device, without waiting for it; not all devices can sum it in float64.

    Counts are added to `incorrect_by_class`, (classes,) int64, and `keep` is called with the logits of each batch.
    """
    losses, layout, dtype = [], ImageLayout(), input_dtype(model)
    for pixels, labels in zip(
        torch.split(images.images, batch_size), torch.split(images.labels, batch_size), strict=True
    ):
        labels = labels.to(device)
        inputs = normalize(pixels.to(device)).to(dtype)
        logits = _logits(model, layout, inputs, len(labels), len(images.classes))
        losses.append(F.cross_entropy(at_least_fp32(logits), labels, reduction="none"))
        incorrect_by_class.scatter_add_(0, labels, (logits.argmax(dim=1) != labels).long())
        if keep is not None:
            keep(logits)
    return torch.cat(losses)
