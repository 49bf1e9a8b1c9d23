"""Check that a training and a test set fit together."""

from typing import TYPE_CHECKING

from resnetzoo.errors import DataError
from resnetzoo.utils.text import some

if TYPE_CHECKING:
    from resnetzoo.data.image_set import ImageSet


def check_agreement(train: "ImageSet", test: "ImageSet") -> None:
    """Refuse two sets unless one network can be trained on the first and tested on the second.

    Raises:
        DataError: they differ in size or channels of their images, or in names or order of their classes.
    """
    if train.images.shape[1:] != test.images.shape[1:]:
        shapes = [" x ".join(str(length) for length in part.images.shape[1:]) for part in (train, test)]
        raise DataError(
            f"training images are {shapes[0]}, test images {shapes[1]} (channels x height x width), and both need the "
            "same: torchvision.transforms.v2.functional.resize gives them one size"
        )
    if train.classes == test.classes:
        return
    if sorted(train.classes) == sorted(test.classes):
        raise DataError(
            f"the training set has its classes in the order {some(train.classes)}, the test set in the order "
            f"{some(test.classes)}: test.with_classes(train.classes) counts its labels by that order"
        )
    missing = [name for name in test.classes if name not in train.classes]
    cure = (
        "nothing could learn those"
        if missing
        else "test.with_classes(train.classes) counts its labels by those of the training set"
    )
    raise DataError(
        f"the test set has {len(test.classes)} classes, the training set {len(train.classes)}"
        f"{f', without {some(missing)}' if missing else ''}: {cure}"
    )
