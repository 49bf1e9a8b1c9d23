"""Check the inputs of an analysis, and convert them to the form that a network accepts.

Shapes: images (N, C, H, W), labels (N,).
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from resnetzoo.data.image_set import ImageSet
from resnetzoo.data.normalization import Normalization, measure_normalization
from resnetzoo.errors import UsageError
from resnetzoo.models.cifar_net import CifarNet
from resnetzoo.models.introspection import known_normalization
from resnetzoo.models.matching import in_class_order
from resnetzoo.utils.modules import evaluating
from resnetzoo.utils.validation import check_whole_number

Images = ImageSet | Tensor
"""Pixels (an `ImageSet`, or uint8), or floats that are normalized already."""

Batch = ImageSet | tuple[Tensor, Tensor] | list[Tensor]
"""Images with their labels: an `ImageSet`, or a pair of images as above and int64 labels (N,), as loaders return."""

CHUNK = 500  # default number of images per batch


def chunks_of_inputs(network: CifarNet, images: Images, batch_size: int) -> Iterator[Tensor]:
    """Inputs (n, C, H, W), n up to `batch_size`, of the network's type and on its device.

    Pixels are normalized as in the training of `network`, or, if it does not state that, by the mean and standard
    deviation of `images`.

    Raises:
        UsageError: a `batch_size` below 1, or images of another kind, type or shape than the network accepts.
    """
    check_whole_number("batch_size", batch_size)
    tensor = images.images if isinstance(images, ImageSet) else images
    _check_images(tensor, network.in_chans)
    normalize = (known_normalization(network) or _measured(images)) if tensor.dtype == torch.uint8 else None
    return (_input(network, chunk, normalize) for chunk in torch.split(tensor, batch_size))


def whole_input(network: CifarNet, images: Images) -> Tensor:
    """The whole input at once, (N, C, H, W), otherwise as in `chunks_of_inputs`."""
    return torch.cat(list(chunks_of_inputs(network, images, CHUNK)))


def labelled_input(network: CifarNet, batch: Batch) -> tuple[Tensor, Tensor]:
    """Inputs (N, C, H, W) and labels (N,) on the network's device.

    Raises:
        UsageError: images that `chunks_of_inputs` refuses, labels of another kind, type, number or range, or a network
            without a classifier.
    """
    if isinstance(batch, ImageSet):
        batch = in_class_order(network, batch)
    images, labels = (batch, batch.labels) if isinstance(batch, ImageSet) else _pair(batch)
    inputs = whole_input(network, images)
    if not isinstance(labels, Tensor) or labels.dtype != torch.int64 or labels.shape != inputs.shape[:1]:
        raise UsageError(f"labels must be an int64 tensor, one for each of {len(inputs)} images, not {_found(labels)}")
    count = network.num_classes
    if count == 0:
        raise UsageError("the network has no classifier and therefore no loss: add one with reset_classifier(10)")
    if count is None:  # known only from its output
        with torch.no_grad(), evaluating(network):
            count = network(inputs[:1]).shape[-1]
    outside = (labels < 0) | (labels >= count)
    if outside.any():
        first = int(outside.nonzero()[0])
        raise UsageError(
            f"image {first} has label {int(labels[first])}, but the network's classes go from 0 to {count - 1}"
        )
    return inputs, labels.to(inputs.device, copy=True)  # autograd takes no tensor that was made in inference mode


def _check_images(images: object, in_chans: int) -> None:
    if not isinstance(images, Tensor):
        raise UsageError(f"images must be an ImageSet, such as data.test, or a tensor, not {type(images).__name__}")
    if images.dim() != 4 or images.shape[1] != in_chans or not images.numel():
        raise UsageError(
            f"images must be (N, {in_chans}, H, W) with at least one image of at least one pixel, not {_found(images)}"
        )
    if images.dtype != torch.uint8 and not images.is_floating_point():
        raise UsageError(f"images must be uint8 pixels or normalized floats, not {_found(images)}")


def _pair(batch: object) -> tuple[Tensor, Tensor]:
    if not isinstance(batch, tuple | list) or len(batch) != 2:
        found = f"{type(batch).__name__} of {len(batch)}" if isinstance(batch, tuple | list) else type(batch).__name__
        raise UsageError(f"batch must be an ImageSet, or (images, labels), not {found}")
    images, labels = batch
    return images, labels


def _measured(images: Images) -> Normalization:
    return images.normalization("channel") if isinstance(images, ImageSet) else measure_normalization(images, "channel")


def _input(network: CifarNet, images: Tensor, normalize: Normalization | None) -> Tensor:
    weight = next(network.parameters())
    moved = images.to(weight.device)
    inputs = normalize(moved) if normalize else moved
    return inputs.to(weight.dtype).contiguous(memory_format=torch.channels_last)


def _found(value: object) -> str:
    return f"{value.dtype} {list(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
