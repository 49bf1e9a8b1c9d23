"""Parts of a dataset as their words describe them: cut again as a command cut them."""

import pytest
import torch

import resnetzoo
from resnetzoo.data.parts import cuts_of

CUTS = [
    (lambda data: data, "", "data"),
    (lambda data: data.first(30), "--max-train-images 30", "data.first(30)"),
    (lambda data: data.validation_split(110), "--val-split", "data.validation_split(110)"),
    (
        lambda data: data.first(1_010).validation_split(101),
        "--max-train-images 1010 --val-split",
        "data.first(1010).validation_split(101)",
    ),
]


@pytest.mark.parametrize(("cut", "options", "calls"), CUTS, ids=[calls for _, _, calls in CUTS])
def test_a_part_is_cut_again_from_its_words(cut: object, options: str, calls: str) -> None:
    data = resnetzoo.synthetic(seed=1, train_images=1_100, test_images=20)
    wanted = cut(data)  # type: ignore[operator]
    found = data.recut(wanted.part)
    assert found is not None
    assert found.fingerprint == wanted.fingerprint
    cuts = cuts_of(wanted.part)
    assert cuts is not None
    assert (cuts.options, cuts.calls) == (options, calls)
    assert eval(calls, {"data": data}).fingerprint == wanted.fingerprint


@pytest.mark.parametrize("part", ["first 30 training and 5 test images", "40/8 split of the training set (seed 0)"])
def test_parts_that_no_option_gives_are_not_cut(part: str, tiny_data: resnetzoo.Data) -> None:
    assert cuts_of(part) is None
    assert tiny_data.recut(part) is None
    assert tiny_data.validation_split(8, seed=1).recut(part) is None


def test_a_part_of_a_part_is_cut_from_it() -> None:
    half = resnetzoo.synthetic(seed=1, train_images=400, test_images=20).validation_split(200)
    part = half.first(150).validation_split(15)
    again = half.recut(part.part)
    assert again is not None
    assert torch.equal(again.train.images, part.train.images)
