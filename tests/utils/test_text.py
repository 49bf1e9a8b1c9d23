"""Counts in sentences: one is singular."""

import torch

import resnetzoo
from resnetzoo.utils.text import counted


def test_only_one_is_singular() -> None:
    assert counted(1, "image file") == "1 image file"
    assert counted(1, "class") == "1 class"
    assert [counted(count, "class") for count in (0, 2)] == ["0 classes", "2 classes"]
    assert counted(50_000, "image") == "50,000 images"


def test_a_set_of_one_image_says_so() -> None:
    images = torch.zeros(1, 3, 4, 4, dtype=torch.uint8)
    one = resnetzoo.ImageSet(images, torch.zeros(1, dtype=torch.int64), ("only",))
    assert repr(one) == "ImageSet(1 image of 3 x 4 x 4, 1 class: only)"
