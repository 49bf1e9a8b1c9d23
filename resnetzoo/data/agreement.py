"""Check that a training and a test set fit together."""

from typing import TYPE_CHECKING

from resnetzoo.errors import DataError
from resnetzoo.utils.text import counted, some

if TYPE_CHECKING:
    from resnetzoo.data.image_set import ImageSet


def check_agreement(train: "ImageSet", test: "ImageSet") -> None:
    """Refuse two sets unless one network can be trained on the first and tested on the second.

    Raises:
        DataError: the sets differ in the size or channels of their images, or in the names or order of their classes.
    """
    if train.images.shape[1:] != test.images.shape[1:]:
        shapes = [" x ".join(str(length) for length in part.images.shape[1:]) for part in (train, test)]
        channels, others = train.images.shape[1], test.images.shape[1]
        if channels == others:
            cure = "torchvision.transforms.v2.functional.resize gives them one size"
        elif 1 in (channels, others):
            grey = "test" if others == 1 else "train"
            cure = f"{grey}.with_channels({max(channels, others)}) repeats the channel of grey images"
        else:
            cure = "a network takes one number of channels"
        raise DataError(
            f"training images are {shapes[0]} and test images are {shapes[1]} (channels x height x width), but both "
            f"must have the same shape: {cure}"
        )
    if train.classes == test.classes:
        return
    if sorted(train.classes) == sorted(test.classes):
        raise DataError(
            f"the training set has its classes in the order {some(train.classes)}, but the test set in the order "
            f"{some(test.classes)}: test.with_classes(train.classes) relabels the test set to that order"
        )
    missing = [name for name in test.classes if name not in train.classes]
    cure = (
        "a network cannot learn those"
        if missing
        else "test.with_classes(train.classes) relabels the test set to those of the training set"
    )
    raise DataError(
        f"the test set has {counted(len(test.classes), 'class')}, but the training set has "
        f"{len(train.classes)}{f', without {some(missing)}' if missing else ''}: {cure}"
    )
