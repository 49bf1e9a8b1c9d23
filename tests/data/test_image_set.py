"""What image sets, and data made of them, refuse: other tensors, names and texts than those that results can hold."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import resnetzoo
from resnetzoo.errors import DataError, UsageError


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (torch.zeros(2, 3, 4, 4), torch.zeros(2, dtype=torch.int64), "must be uint8"),
        (torch.zeros(2, 3, 4, dtype=torch.uint8), torch.zeros(2, dtype=torch.int64), "must be uint8"),
        (torch.zeros(2, 3, 4, 4, dtype=torch.uint8), torch.zeros(3, dtype=torch.int64), "one for each of 2"),
        (torch.zeros(2, 3, 4, 4, dtype=torch.uint8), torch.zeros(2), "must be int64"),
        (
            torch.zeros(2, 3, 4, 4, dtype=torch.uint8, device="meta"),
            torch.zeros(2, dtype=torch.int64),
            'images are on the device "meta", so they have no values',
        ),
        (
            torch.zeros(2, 3, 4, 4, dtype=torch.uint8),
            torch.zeros(2, dtype=torch.int64, device="meta"),
            'labels are on the device "meta", so they have no values',
        ),
        (torch.zeros(0, 3, 4, 4, dtype=torch.uint8), torch.zeros(0, dtype=torch.int64), "at least one image"),
        (
            torch.zeros(2, 3, 4, 4, dtype=torch.uint8),
            torch.tensor([0, 2]),
            "image 1 has label 2, but labels must be 0 or more and below 2",
        ),
    ],
)
def test_an_image_set_is_checked(images: torch.Tensor, labels: torch.Tensor, message: str) -> None:
    with pytest.raises(DataError, match=message):
        resnetzoo.ImageSet(images, labels, ("a", "b"))


@pytest.mark.parametrize("classes", ["ab", None, (0, 1), 2])
def test_classes_are_names(classes: Any) -> None:
    with pytest.raises(DataError, match=re.escape(f'names of all classes, such as ("cat", "dog"), not {classes!r}')):
        resnetzoo.ImageSet(torch.zeros(2, 3, 4, 4, dtype=torch.uint8), torch.tensor([0, 1]), classes)


@pytest.mark.parametrize("in_chans", [2.0, -1, 0, True, "3", None])
@pytest.mark.parametrize("found", [1, 3])
def test_channels_are_a_whole_number(in_chans: Any, found: int) -> None:
    images = resnetzoo.ImageSet(torch.zeros(2, found, 4, 4, dtype=torch.uint8), torch.tensor([0, 1]), ("a", "b"))
    with pytest.raises(UsageError, match="in_chans must be a whole number from 1, not "):
        images.with_channels(in_chans)


@pytest.mark.parametrize("classes", ["ab", None, (0, 1), 2])
def test_another_order_is_one_of_names(classes: Any) -> None:
    images = resnetzoo.ImageSet(torch.zeros(2, 3, 4, 4, dtype=torch.uint8), torch.tensor([0, 1]), ("a", "b"))
    with pytest.raises(UsageError, match=re.escape(f'names of all classes, such as ("cat", "dog"), not {classes!r}')):
        images.with_classes(classes)


@pytest.mark.parametrize("field", ["name", "source", "part"])
@pytest.mark.parametrize("found", [None, 5, Path("pets"), b"pets", ["pets"]], ids=repr)
def test_the_texts_of_data_are_texts(tiny_data: resnetzoo.Data, field: str, found: Any) -> None:
    """They are written as JSON with every result, which failed after the training."""
    given = {"name": "mine", "source": "a test", "part": "", field: found}
    with pytest.raises(UsageError, match=f"{field} must be of the class str, not "):
        resnetzoo.Data(train=tiny_data.train, test=tiny_data.test, official=False, **given)
    if field == "part":
        with pytest.raises(UsageError, match="part must be of the class str, not "):
            tiny_data.first(7).with_test(tiny_data.test, found)


@pytest.mark.parametrize("found", [None, 0, "no", np.False_], ids=repr)
def test_data_are_official_or_not(tiny_data: resnetzoo.Data, found: Any) -> None:
    with pytest.raises(UsageError, match="official must be of the class bool, not "):
        resnetzoo.Data("mine", tiny_data.train, tiny_data.test, official=found, source="a test")
    assert not json.loads(json.dumps(tiny_data.to_dict()))["official"]
