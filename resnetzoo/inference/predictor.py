"""Classify image files in batches; a file that cannot be read does not stop the others."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from resnetzoo.data.classes import numbered_classes
from resnetzoo.data.image_reader import read_image
from resnetzoo.data.transforms import ImageTransform
from resnetzoo.errors import ImageError, NonFiniteLossError, UsageError
from resnetzoo.inference.image_files import ImageFile, Paths, find_images
from resnetzoo.models.answers import checked_logits_of
from resnetzoo.models.cifar_net import CifarNet
from resnetzoo.models.fingerprint import true_row
from resnetzoo.models.introspection import known_normalization
from resnetzoo.models.matching import known_classes
from resnetzoo.models.wrappers import innermost
from resnetzoo.utils.fp32 import computing
from resnetzoo.utils.modules import check_values, evaluating
from resnetzoo.utils.text import counted, printable
from resnetzoo.utils.validation import check_names, check_whole_number


@dataclass(frozen=True)
class Prediction:
    """The prediction for one file.

    Attributes:
        path: the file.
        classes: the most likely classes, best first; empty if the file could not be read.
        probabilities: the probabilities of these classes, from 0 to 1.
        error: why the file could not be read, in one line; None if it was.
    """

    path: Path
    classes: tuple[str, ...]
    probabilities: tuple[float, ...]
    error: str | None = None

    @property
    def printable_path(self) -> str:
        """The path as one line that every terminal prints."""
        return printable(self.path)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "path": str(self.path),
            "classes": list(self.classes),
            "probabilities": [round(value, 6) for value in self.probabilities],
            "error": self.error,
        }


def predict(
    model: nn.Module,
    paths: Paths,
    *,
    top: int = 3,
    batch_size: int = 64,
    classes: Sequence[str] | None = None,
) -> list[Prediction]:
    """The most likely classes of image files of any size and mode, with their probabilities.

    Images are turned upright according to their EXIF data, resized so that the shorter side fits the network's input,
    and cropped in the middle; transparent areas become white. The model evaluates on its own device, and is left as it
    was.

    Args:
        model: a trained network, such as `load_model("resnet20")`, or an optimized one from `optimize`, possibly
            wrapped, for example by `nn.DataParallel` or `torch.compile`.
        paths: files, folders (the images in them and in their subfolders, in natural order) and patterns such as
            `photos/*.jpg`, or one of these. A file given twice gets one prediction.
        top: number of classes to name per image, at most all of them.
        batch_size: number of images per batch.
        classes: the names of the classes; by default those that the model states (`model.classes`), or else `class 0`,
            `class 1`, ...

    Returns:
        One prediction for each file, in the order of `paths`; those with an `error` could not be read.

    Raises:
        UsageError: `paths` do not lead to any file; the model has no classes or no known normalization, or is on the
            meta device; `top` or `batch_size` is below 1; or the number of names differs from the number of classes.
        NonFiniteLossError: the network returns NaN.

    Warns:
        SampleDepthWarning: a file with 16 bits per sample states or uses fewer; the message says how they were read.
    """
    check_whole_number("top", top)
    check_whole_number("batch_size", batch_size)
    transform = _transform_of(model)
    names = _names(model, classes)
    check_values(model)
    files = find_images(paths)
    predictions: list[Prediction] = []
    with evaluating(model), torch.inference_mode():
        for first in range(0, len(files), batch_size):
            predictions += _predict_batch(model, transform, files[first : first + batch_size], names, top)
    return predictions


def _transform_of(model: nn.Module) -> ImageTransform:
    normalization = known_normalization(model)
    if normalization is None:
        raise UsageError(
            "the input normalization of this network is not known: it has not been trained, or its file does not "
            "contain it. Use weights that contain it (resnetzoo.list_weights), or load the model in Python and set "
            "model.normalization = resnetzoo.Normalization(...)"
        )
    in_chans = getattr(innermost(model), "in_chans", None)
    if isinstance(in_chans, int):
        normalization.check_channels(in_chans)
    return ImageTransform(normalization)


def _names(model: nn.Module, classes: Sequence[str] | None) -> tuple[str, ...]:
    """The names of the logits: the given ones, the known ones, or numbers."""
    inner = innermost(model)
    stated = getattr(inner, "num_classes", None)
    count = stated if isinstance(stated, int) else None  # a network from elsewhere may mean anything by the name
    if count == 0:
        raise UsageError("the network has no classifier and therefore no classes: add one with reset_classifier")
    if classes is not None:
        classes = check_names("classes", classes)
        if count is not None and count != len(classes):
            raise UsageError(
                f"found {counted(len(classes), 'class name')} for a network with {counted(count, 'class')}"
            )
        return classes
    known = known_classes(model)
    if not known and count is None:
        raise UsageError("the number of classes of this model is not known: name them with classes=")
    return known or numbered_classes(count or 0)


def _predict_batch(
    model: nn.Module, transform: ImageTransform, files: Sequence[ImageFile], names: tuple[str, ...], top: int
) -> list[Prediction]:
    inputs = [_input(file, transform) for file in files]
    images = [image for image in inputs if isinstance(image, Tensor)]
    answers = _answers(model, images, names, top) if images else iter(())
    return [
        Prediction(file.path, (), (), image) if isinstance(image, str) else Prediction(file.path, *next(answers))
        for file, image in zip(files, inputs, strict=True)
    ]


def _input(file: ImageFile, transform: ImageTransform) -> Tensor | str:
    """The input for a file, float32 (C, size, size), or the reason why there is none."""
    if file.error is not None:
        return file.error
    try:
        image: Tensor = transform(read_image(file.path))
    except ImageError as error:
        return error.reason
    return image


def _answers(
    model: nn.Module, images: list[Tensor], names: tuple[str, ...], top: int
) -> Iterator[tuple[tuple[str, ...], tuple[float, ...]]]:
    """For each image, the names and probabilities of its most likely classes."""
    floats = (tensor for tensor in chain(model.parameters(), model.buffers()) if tensor.is_floating_point())
    inputs = torch.stack(images)
    inputs = inputs.to(next(floats, inputs))  # the type and device of the network
    with computing(inputs.device):
        logits = checked_logits_of(model, model(inputs), len(inputs), len(names))
        if logits.shape[-1] != len(names):
            raise UsageError(
                f"the network returns {logits.shape[-1]} logits, but {len(names)} classes are named: name as many "
                "with classes="
            )
        probabilities = logits.float().softmax(dim=1).cpu()
    if not probabilities.isfinite().all():
        raise NonFiniteLossError(
            "the network returns NaN for these images, which is not a prediction: its training diverged"
        )
    values, labels = probabilities.topk(min(top, len(names)), dim=1)  # (n, top)
    for row, indices in zip(values.tolist(), labels.tolist(), strict=True):
        yield tuple(names[index] for index in indices), tuple(row)


def model_title(model: nn.Module) -> str:
    """A title for a network: its name with the test error of its row of weights, or else with the file it comes from.

    If the weights were changed after they were loaded, the title says so and does not state the error.
    """
    model = innermost(model)
    if not isinstance(model, CifarNet):
        return type(model).__name__
    row = true_row(model)
    if row is not None:
        return f"{row.name}, top-1 test error {row.test_error:.2f} % (n = {row.test_images:,})"
    if model.weights is not None:
        return f"{model.spec.label}, changed after it was loaded as {model.weights.name}"
    return model.spec.label if model.origin is None else f"{model.spec.label} from {printable(model.origin.path)}"
