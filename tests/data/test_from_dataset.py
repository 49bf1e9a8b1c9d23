"""Rows of images and labels as data: which labels and names they may have, and what is told of anything else."""

from collections import UserDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader
from torchvision.datasets import FakeData

import resnetzoo
from resnetzoo.errors import DataError, UsageError


class Named(list[Any]):
    """Rows of a dataset that names its classes."""

    def __init__(self, labels: list[int], classes: Any) -> None:
        super().__init__((torch.zeros(3, 4, 4, dtype=torch.uint8), label) for label in labels)
        self.classes = classes


def test_labels_are_names_only_where_there_are_none() -> None:
    """Digits that a dataset calls its classes by are names as any others."""
    data = resnetzoo.Data.from_dataset(Named([0, 1, 2], None), Named([0, 1], None))
    assert data.train.classes == data.test.classes == ("0", "1", "2")
    digits = resnetzoo.Data.from_dataset(Named([0, 1, 2], ("7", "8", "9")), Named([1], ("7", "8", "9")))
    assert digits.classes == ("7", "8", "9")
    with pytest.raises(DataError, match=r"the test set has 2 classes, but .* has 3: test\.with_classes"):
        resnetzoo.Data.from_dataset(Named([0, 1, 2], ("7", "8", "9")), Named([0, 1], ("8", "9")))
    for train, test, words in (
        (("0", "1"), None, "the training set names its classes, 0, 1, but the test set does not"),
        (None, ("0", "1"), "the test set names its classes, 0, 1, but the training set does not"),
    ):
        with pytest.raises(DataError, match=rf"{words}: .* classes=\[\.\.\.\]"):
            resnetzoo.Data.from_dataset(Named([0, 1], train), Named([0], test))
    stated = resnetzoo.Data.from_dataset(Named([0, 1], ("0", "1")), Named([0], None), classes=("cat", "dog"))
    assert stated.classes == ("cat", "dog")


@pytest.mark.parametrize(
    "label", [2, np.uint8(2), np.array(2), np.array([2]), np.array([[2]], np.uint8), torch.tensor(2), torch.tensor([2])]
)
def test_a_label_may_be_an_array_of_one_number(label: Any) -> None:
    """The rows of MedMNIST have a PIL image and an array of the shape (1,)."""
    assert resnetzoo.ImageSet.from_dataset([(Image.new("RGB", (28, 28)), label)]).labels.tolist() == [2]


def test_the_keys_of_a_mapping_may_be_the_numbers_of_rows() -> None:
    rows = dict(enumerate((torch.zeros(3, 4, 4, dtype=torch.uint8), label) for label in (1, 0)))
    assert resnetzoo.ImageSet.from_dataset(rows).labels.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("stated", "classes"),
    [(np.array(["cat", "dog"]), ("cat", "dog")), (2, ("0", "1")), ("cat", ("0", "1")), ((), ("0", "1"))],
)
def test_names_of_a_dataset_are_several(stated: Any, classes: tuple[str, ...]) -> None:
    assert resnetzoo.ImageSet.from_dataset(Named([0, 1], stated)).classes == classes


@pytest.mark.parametrize(
    ("dataset", "error", "message"),
    [
        (iter([1]), UsageError, r"convert an iterable with list\(\.\.\.\)"),
        (DataLoader(FakeData(size=2)), UsageError, r"loader\.dataset"),
        *(
            (kind({"train": [1], "dev": [2]}), UsageError, r"keys: train, dev\), as in .*Data\.from_dataset\(found\[")
            for kind in (dict, UserDict)
        ),
        ("pets", UsageError, r"ImageSet\.from_folder\('pets'\) reads a folder"),
        (Path("pets"), UsageError, r"ImageSet\.from_folder\('pets'\) reads a folder"),
        (torch.zeros(2, 3, 4, 4), UsageError, r"ImageSet\(images, labels, classes\), with images as uint8"),
        ([1], DataError, "row 0 must be an image and its label, not an int"),
        ([(torch.zeros(3, 4, 4, dtype=torch.uint8), 0.5)], DataError, "label 0.5, but labels must be whole"),
        ([(torch.full((3, 4, 4), -2.0), 0)], DataError, "image 0: expected floats from 0 to 1"),
        ([(torch.zeros(3, 4, 4, device="meta"), 0)], DataError, "image 0: expected pixels with values"),
        ([(torch.zeros(3, 4, 4, dtype=torch.uint8, device="meta"), 0)], DataError, "images are on .*, so they have no"),
        (
            [(torch.zeros(3, size, 4, dtype=torch.uint8), 0) for size in (4, 5)],
            DataError,
            "2 different sizes, .*size=32",
        ),
        ([{"pixels": 1, "label": 0}], DataError, "columns pixels, label: rename them .*rename_column"),
        (
            [(torch.zeros(3, 4, 4, dtype=torch.uint8), -1)],
            DataError,
            "label -1, but labels must be whole numbers from 0",
        ),
        *(
            (
                [(torch.zeros(3, 4, 4, dtype=torch.uint8), label)],
                DataError,
                f"label {label}, but labels must be .* 1,000,000",
            )
            for label in (10**9, 2**63)
        ),
        *(
            (
                [(torch.zeros(3, 4, 4, dtype=torch.uint8), label)],
                DataError,
                r"image 0 has the label .*, but labels must",
            )
            for label in (
                True,
                np.array(1.5),
                np.array([True]),
                np.array([0, 1]),
                np.array(["0"]),
                torch.tensor(True),
                torch.tensor([0, 1]),
                torch.zeros(1, dtype=torch.int64, device="meta"),
                "0",
                None,
            )
        ),
        ([], DataError, "no image"),
        ([(torch.zeros(2, 3, 4, 4), 0)], DataError, r"image 0: expected an image \(3, H, W\), not \[2, 3, 4, 4\]"),
        (
            [(torch.zeros(chans, 4, 4, dtype=torch.uint8), 0) for chans in (4, 3)],
            DataError,
            "the same number of channels, but they have 3, 4",
        ),
    ],
)
def test_what_is_no_data_set_is_told(dataset: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        resnetzoo.ImageSet.from_dataset(dataset)
    with pytest.raises(error, match=message):
        resnetzoo.Data.from_dataset(dataset, dataset)
