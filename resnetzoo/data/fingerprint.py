"""The fingerprint of a dataset. Version 2 covers all of it; version 1 is in files written by earlier releases."""

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
    """SHA-256 over training images, training labels, test images, test labels, one byte per number.

    It does not cover what version 2 adds: shapes, where the training set ends, class names, and labels above 255.
    """
    return _sha256(part.to(torch.uint8) for part in (train.images, train.labels, test.images, test.labels))


def fingerprint_v2(train: "ImageSet", test: "ImageSet", version_1: str) -> str:
    """`v2:` and the SHA-256 of JSON that covers everything: shapes, classes, all labels, and the pixels.

    Together with the shapes, version 1 covers every pixel, so the pixels are read only once for both versions.
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
    """SHA-256 of JSON that covers all of one set: pixels, shape, labels in full, and class names."""
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
    """SHA-256 over the bytes of tensors, one after the other, in little-endian order."""
    digest = hashlib.sha256()
    for part in parts:
        values = part.contiguous().cpu().numpy()
        digest.update(values.astype(values.dtype.newbyteorder("<"), copy=False).data)
    return digest.hexdigest()
