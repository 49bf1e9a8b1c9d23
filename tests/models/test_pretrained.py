"""What a network says of its weights: one frozen value, whose parts are attributes."""

import copy
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import resnetzoo
from resnetzoo.data.normalization import channel_normalization
from resnetzoo.models.fingerprint import fingerprint_of, true_row
from resnetzoo.models.pretrained import Pretrained, attach_normalization, get_normalization

NORMALIZATION = channel_normalization((0.5, 0.5, 0.5), (0.2, 0.2, 0.2))


def test_nothing_is_known_of_fresh_weights() -> None:
    model = resnetzoo.create("resnet20")
    assert model.pretrained == Pretrained()
    assert model.normalization is model.classes is model.origin is model.weights is None


def test_the_parts_are_those_of_one_value() -> None:
    model = resnetzoo.create("resnet20", weights=True)
    known = model.pretrained
    assert (model.normalization, model.classes, model.origin, model.weights) == (
        known.normalization,
        known.classes,
        known.origin,
        known.weights,
    )
    assert None not in (model.normalization, model.classes, model.origin, model.weights, known.fingerprint)


def test_assigning_a_part_replaces_the_value(tiny_model: resnetzoo.CifarNet) -> None:
    before = tiny_model.pretrained
    tiny_model.normalization = NORMALIZATION
    tiny_model.classes = [f"class {label}" for label in range(10)]
    assert before == Pretrained()
    assert tiny_model.pretrained == Pretrained(NORMALIZATION, tuple(f"class {label}" for label in range(10)))
    tiny_model.normalization = tiny_model.classes = None
    assert tiny_model.pretrained == before
    with pytest.raises(dataclasses.FrozenInstanceError):
        tiny_model.pretrained.classes = ("a", "b")  # type: ignore[misc]


@pytest.mark.parametrize("found", [range(10), np.arange(10), "cat", 10, ["cat", 1]])
def test_classes_are_names(found: Any, tiny_model: resnetzoo.CifarNet) -> None:
    """No file would hold anything else."""
    with pytest.raises(
        resnetzoo.UsageError, match=r'classes must be the names of all classes, such as \("cat", "dog"\)'
    ):
        tiny_model.classes = found
    with pytest.raises(resnetzoo.UsageError, match="classes must be the names of all classes"):
        Pretrained(classes=found)
    assert tiny_model.classes is None


def test_names_in_an_array_are_stored(tiny_model: resnetzoo.CifarNet, tmp_path: Path) -> None:
    tiny_model.classes = np.array([f"class {label}" for label in range(10)])  # type: ignore[assignment]
    assert {type(name) for name in tiny_model.classes or ()} == {str}
    resnetzoo.save_weights(tiny_model, tmp_path / "a.safetensors")
    assert resnetzoo.load_checkpoint(tmp_path / "a.safetensors").classes == tiny_model.classes


def test_a_row_put_in_by_hand_is_claimed_only_for_the_weights_of_the_fingerprint() -> None:
    model = resnetzoo.create("resnet20", weights=True)
    row = model.weights
    assert row is not None
    assert true_row(model) is row
    model.weights = model.origin = None
    assert true_row(model) is None
    model.weights = corrected = dataclasses.replace(row, licence="MIT")
    assert true_row(model) is corrected
    model.weights_fingerprint = None
    assert true_row(model) is None
    fresh = resnetzoo.create("resnet20", seed=0)
    fresh.weights = row
    assert (true_row(fresh), fresh.weights_fingerprint) == (None, None)
    fresh.weights_fingerprint = fingerprint_of(fresh)
    assert (true_row(fresh), fresh.pretrained.fingerprint) == (row, fingerprint_of(fresh))


def test_another_classifier_keeps_the_normalization_alone() -> None:
    model = resnetzoo.create("resnet20", weights=True)
    normalization = model.normalization
    model.reset_classifier(5)
    assert model.pretrained == Pretrained(normalization=normalization)


def test_a_copy_knows_as_much() -> None:
    model = resnetzoo.create("resnet20", weights=True)
    twin = copy.deepcopy(model)
    assert (twin.weights, twin.classes, twin.origin) == (model.weights, model.classes, model.origin)
    twin.classes = None
    assert model.classes is not None


@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning", "ignore:`torch.jit:DeprecationWarning")
def test_a_script_leaves_the_facts_aside() -> None:
    model = resnetzoo.create("resnet20", weights=True)
    images = torch.randn(2, 3, 32, 32)
    assert torch.equal(torch.jit.script(model)(images), model(images))  # type: ignore[no-untyped-call]


def test_any_network_takes_a_normalization(tiny_model: resnetzoo.CifarNet) -> None:
    for model in (nn.Flatten(), tiny_model):
        assert get_normalization(model) is None
        attach_normalization(model, NORMALIZATION)
        assert get_normalization(model) is model.normalization is NORMALIZATION


class OwnMembers(nn.Module):
    """A network from elsewhere that means something else by names that the zoo's networks have."""

    def __init__(self, normalization: object, classes: object) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.normalization, self.classes, self.pretrained, self.spec = normalization, classes, True, 3
        self.norm, self.fc = nn.BatchNorm2d(3), nn.Linear(3, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        found = self.normalization
        if found is not None and found is not False:
            images = found(images) if isinstance(found, nn.Module) else self.norm(images)
        logits: torch.Tensor = self.fc(images.mean((2, 3)))
        return logits


@pytest.mark.parametrize("own", ["batch", True, None, nn.BatchNorm2d(3)], ids=repr)
@pytest.mark.parametrize("classes", [10, nn.Identity()], ids=repr)
def test_members_of_a_network_from_elsewhere_stay_its_own(
    own: object, classes: object, tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path
) -> None:
    model = OwnMembers(own, classes)
    assert get_normalization(model) is None
    run = resnetzoo.fit(model, tiny_data, tiny_recipe, device="cpu", precision="fp32", progress=False)
    assert model.normalization is own
    assert model.classes is classes
    norm = own if isinstance(own, nn.Module) else model.norm
    assert norm.num_batches_tracked >= (tiny_recipe.steps if own else 0)
    for network in (model, copy.deepcopy(model)):
        found = get_normalization(network)
        assert found is not None
        assert found.to_dict() == run.normalization
        measured = resnetzoo.evaluate(network, tiny_data.test)
        assert (measured.error, measured.loss) == pytest.approx((run.epochs[-1].test_error, run.epochs[-1].test_loss))
    Image.new("RGB", (32, 32)).save(tmp_path / "black.png")
    (prediction,) = resnetzoo.predict(model, tmp_path, classes=[f"c{number}" for number in range(10)])
    assert prediction.classes
    with pytest.raises(resnetzoo.UsageError, match="number of classes of this model is not known"):
        resnetzoo.predict(model, tmp_path)
