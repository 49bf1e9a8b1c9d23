"""The fingerprint of a dataset. Version 2 covers all of it; version 1 is in files of earlier versions."""

import hashlib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from resnetzoo.data.image_set import ImageSet

_VERSION_2 = "v2:"  # what a fingerprint of this version begins with; those of version 1 are 64 hexadecimal digits


def fingerprint_v1(train: "ImageSet", test: "ImageSet") -> str:
    """SHA-256 over training images, training labels, test images, test labels, a byte a number.

    It leaves out what version 2 adds: shapes, where the training set ends, names of classes, labels above 255.
    """
    return _sha256(part.to(torch.uint8) for part in (train.images, train.labels, test.images, test.labels))


def fingerprint_v2(train: "ImageSet", test: "ImageSet", version_1: str) -> str:
    """`v2:` and the SHA-256 of JSON that covers everything: shapes, classes, all labels, and the pixels.

    With the shapes, version 1 says every pixel, so that the pixels are read once for both.
    """
    sets = [
        {
            "shape": list(part.images.shape),
            "labels": _sha256([part.labels.to(torch.int64)]),
            "classes": list(part.classes),
        }
        for part in (train, test)
    ]
    said = json.dumps({"version": 2, "version_1": version_1, "train": sets[0], "test": sets[1]}, sort_keys=True)
    return _VERSION_2 + hashlib.sha256(said.encode()).hexdigest()


def fingerprint_of_images(images: "ImageSet") -> str:
    """SHA-256 of JSON that says everything of one set: pixels, shape, labels in full, and the names of its classes."""
    said = {
        "version": 1,
        "pixels": _sha256([images.images]),
        "shape": list(images.images.shape),
        "labels": _sha256([images.labels]),
        "classes": list(images.classes),
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def is_version_2(fingerprint: str) -> bool:
    """Whether a stored fingerprint covers all of its data."""
    return fingerprint.startswith(_VERSION_2)


def _sha256(parts: Iterable[Tensor]) -> str:
    """Over the bytes of tensors, one after the other, the lowest byte of a number first."""
    digest = hashlib.sha256()
    for part in parts:
        values = part.contiguous().cpu().numpy()
        digest.update(values.astype(values.dtype.newbyteorder("<"), copy=False).data)
    return digest.hexdigest()
