"""Parts of a dataset as their words describe them: cut again as a command cut them."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

import resnetzoo
from resnetzoo.data.parts import cuts_of

CUTS: dict[str, Callable[[resnetzoo.Data], resnetzoo.Data]] = {
    "all": lambda data: data,
    "first": lambda data: data.first(30),
    "first of both": lambda data: data.first(1_030, 5),
    "first tests": lambda data: data.first(1_100, 5),
    "split": lambda data: data.validation_split(110),
    "first, split": lambda data: data.first(1_010).validation_split(101),
    "split, first of both": lambda data: data.validation_split(110).first(30, 7),
}


@pytest.mark.parametrize("kind", CUTS)
@pytest.mark.parametrize("grouped", [False, True])
def test_a_part_is_cut_again_from_its_words(kind: str, grouped: bool) -> None:
    data = resnetzoo.synthetic(seed=1, train_images=1_100, test_images=20)
    if grouped:  # as in a folder: of each class its share
        data = replace(data, train=data.train.select(data.train.labels.argsort(stable=True)))
    wanted = CUTS[kind](data)
    found = data.recut(wanted.part)
    assert found is not None
    assert found.fingerprint == wanted.fingerprint


@pytest.mark.parametrize("part", ["tested on something", "40/8 split of the training set (seed 0)"])
def test_parts_that_no_command_makes_are_not_cut(part: str, tiny_data: resnetzoo.Data) -> None:
    assert cuts_of(part) is None
    assert tiny_data.recut(part) is None
    assert tiny_data.validation_split(8, seed=1).recut(part) is None


def test_a_part_of_a_part_is_cut_from_it() -> None:
    half = resnetzoo.synthetic(seed=1, train_images=400, test_images=20).validation_split(200)
    part = half.first(150).validation_split(15)
    again = half.recut(part.part)
    assert again is not None
    assert torch.equal(again.train.images, part.train.images)
