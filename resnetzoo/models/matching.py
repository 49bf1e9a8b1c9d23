"""Whether a network and images fit together: channels are checked before anything is computed, classes by name."""

import warnings

from torch import nn

from resnetzoo.data.conversion import check_images
from resnetzoo.data.image_set import ImageSet
from resnetzoo.errors import UsageError
from resnetzoo.models.cifar_net import CifarNet
from resnetzoo.models.introspection import class_names
from resnetzoo.models.wrappers import innermost
from resnetzoo.utils.text import counted, some


def check_channels(model: nn.Module, images: ImageSet, name: str = "images") -> None:
    """Refuse images with another number of channels than the network takes: a single channel would be broadcast to all.

    For a network that is not this package's, its `in_chans` is used if it has one.

    Raises:
        UsageError: they differ, or `images` is not an `ImageSet`; the message says how to make one.
    """
    check_images(images, name)
    wanted, found = getattr(innermost(model), "in_chans", None), images.images.shape[1]
    if isinstance(wanted, int) and wanted != found:
        raise UsageError(
            f"the network takes {counted(wanted, 'channel')}, the images have {found}: build one for them "
            f"with create(..., in_chans={found}), or repeat the channel with images.with_channels({wanted})"
            if found == 1
            else f"the network takes {counted(wanted, 'channel')}, the images have {found}: "
            f"create(..., in_chans={found})"
        )


def in_class_order(model: nn.Module, images: ImageSet) -> ImageSet:
    """The images with labels in the network's order of classes, if both name their classes.

    Raises:
        UsageError: the network has fewer logits than there are classes.

    Warns:
        UserWarning: the labels were renumbered by class names; or the names show that the network has other classes.
    """
    network = innermost(model)
    count = getattr(network, "num_classes", None)
    if isinstance(count, int) and 0 < count < len(images.classes):  # the measurement itself refuses 0
        raise UsageError(f"the network has {counted(count, 'class')}, but the images have {len(images.classes)}")
    known = known_classes(model)
    if not known or images.classes == known[: len(images.classes)]:
        return images
    if set(images.classes) <= set(known) and len(set(known)) == len(known):
        warnings.warn(
            f"the images have their classes in another order than the network, {some(images.classes)} and not "
            f"{some(known)}: their labels are converted to the network's order",
            stacklevel=3,
        )
        return images.with_classes(known)
    warnings.warn(
        f"the network distinguishes {some(known)}, but the images show {some(images.classes)}: the measurement "
        "says nothing about the network unless these are other names for the same classes, in the same order",
        stacklevel=3,
    )
    return images


def known_classes(model: nn.Module) -> tuple[str, ...]:
    """The names that a network, or the one inside wrappers, has for its classes; empty if it has none."""
    network = innermost(model)
    if isinstance(network, CifarNet):
        return class_names(network) or ()
    names: object = getattr(network, "classes", None)  # of a network from elsewhere, also a number or a layer
    if isinstance(names, list | tuple) and all(isinstance(name, str) for name in names):
        return tuple(names)
    return ()
