"""The row of a network's weights while they change and through files, and files of networks changed by hand."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save

import resnetzoo
from resnetzoo.data import cifar_files
from resnetzoo.export.subject import subject_of
from resnetzoo.inference.predictor import model_title
from resnetzoo.models.fingerprint import attach_weights, true_row
from resnetzoo.weights import Weights
from resnetzoo.weights.checkpoint.metadata import metadata_texts


def one_step(model: resnetzoo.CifarNet) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    model(torch.randn(2, 3, 32, 32)).sum().backward()
    optimizer.step()


@pytest.mark.parametrize(
    "change",
    [
        lambda model: model.reset_classifier(10),
        lambda model: torch.nn.init.normal_(model.fc.weight),
        lambda model: setattr(model, "fc", torch.nn.Linear(64, 10)),
        lambda model: model.train()(torch.randn(2, 3, 32, 32)),  # moves the running statistics
        one_step,
    ],
)
def test_a_row_is_true_of_its_own_weights_alone(change: Callable[[resnetzoo.CifarNet], object]) -> None:
    row = resnetzoo.list_weights("resnet20.*")[0]
    model = resnetzoo.create("resnet20", weights=row.name)
    for same in (model, copy.deepcopy(model).half(), copy.deepcopy(model).to(memory_format=torch.channels_last)):
        assert true_row(same) == row
        assert model_title(same) == f"{row.name}, top-1 test error {row.test_error:.2f} % (n = 10,000)"
        assert json.loads(subject_of(same).facts["weights"])["name"] == row.name
    change(model)
    assert true_row(model) is None
    assert f"{row.test_error}" not in model_title(model)
    assert "weights" not in subject_of(model).facts


def test_a_title_says_what_became_of_the_weights() -> None:
    row = resnetzoo.list_weights("resnet20.*")[0]
    model = resnetzoo.create("resnet20", weights=row.name)
    one_step(model)
    assert model_title(model) == f"resnet20, changed after it was loaded as {row.name}"
    model.reset_classifier(10)
    assert model_title(model) == "resnet20"


@pytest.mark.parametrize("row", [resnetzoo.list_weights("resnet20.*")[0], resnetzoo.list_weights("*.akamaster*")[0]])
def test_a_row_comes_back_from_a_file(row: Weights) -> None:
    """Of the package and of others, whose file is not on this machine."""
    first = resnetzoo.create("resnet20", weights=True)
    attach_weights(first, row)
    resnetzoo.save_weights(first, "first.safetensors", precision="fp16")  # they came in it
    second = resnetzoo.load_checkpoint("first.safetensors")
    assert second.weights == row
    resnetzoo.export_safetensors(second, "second.safetensors")
    third = resnetzoo.create("resnet20", weights="second.safetensors")
    assert true_row(third) == row
    assert model_title(third).startswith(f"{row.name}, top-1 test error")
    one_step(third)
    resnetzoo.save_weights(third, "trained.safetensors")
    assert resnetzoo.load_checkpoint("trained.safetensors").weights is None


def test_weights_that_a_file_changed_are_of_no_row() -> None:
    row = resnetzoo.list_weights("resnet20.*")[0]
    fresh = resnetzoo.create("resnet20", seed=1)
    attach_weights(fresh, row)
    resnetzoo.save_weights(fresh, "whole.safetensors")
    assert resnetzoo.load_checkpoint("whole.safetensors").weights == row
    resnetzoo.save_weights(fresh, "rounded.safetensors", precision="fp16")
    assert resnetzoo.load_checkpoint("rounded.safetensors").weights is None
    metadata = metadata_texts(fresh) | {"weights": '{"name": "best"}'}
    Path("damaged.safetensors").write_bytes(save(fresh.state_dict(), metadata))
    with pytest.raises(resnetzoo.CheckpointError, match="the row of weights in its metadata cannot be read: 'classes'"):
        resnetzoo.load_checkpoint("damaged.safetensors")


def test_a_damaged_row_of_other_weights_does_not_matter(tiny_model: resnetzoo.CifarNet) -> None:
    """A row that is not of the file's weights is not read at all."""
    metadata = metadata_texts(tiny_model) | {"weights": '{"name": "best"}', "weights_fingerprint": "of others"}
    Path("replaced.safetensors").write_bytes(save(tiny_model.state_dict(), metadata))
    again = resnetzoo.load_checkpoint("replaced.safetensors")
    assert (again.spec, again.weights, again.weights_fingerprint) == (tiny_model.spec, None, None)


def test_a_row_of_data_in_other_words_comes_back() -> None:
    row = resnetzoo.get_weights("resnet20.modern_c10")
    other = Weights.from_dict(row.to_dict() | {"trained_on": "my photos, 2,000 of them"})
    assert (other.dataset, other.train_images, other.dataset_fingerprint) == ("my photos, 2,000 of them", None, None)
    assert other.to_dict()["trained_on"] == other.trained_on == other.dataset
    model = resnetzoo.create("resnet20", weights=True)
    model.weights = other
    resnetzoo.save_weights(model, "other.safetensors")
    assert resnetzoo.load_checkpoint("other.safetensors").weights == other


def test_a_classifier_put_in_by_hand_is_saved(tiny_model: resnetzoo.CifarNet) -> None:
    tiny_model.classes = cifar_files.CIFAR10.classes
    tiny_model.fc = torch.nn.Linear(16, 7)
    with pytest.warns(UserWarning, match="now has a classifier of 7 classes but names of 10, which are left out"):
        resnetzoo.save_weights(tiny_model, "seven.safetensors")
    again = resnetzoo.load_checkpoint("seven.safetensors")
    assert (again.spec.num_classes, again.num_classes, again.classes) == (7, 7, None)
    assert torch.equal(again.fc.weight, tiny_model.fc.weight)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda model: model.reset_classifier(0),
            "(widths 4-8-16) of 10 classes: under fc.bias it has nothing, its spec [10]; reset_classifier",
        ),
        (
            lambda model: setattr(model, "fc", torch.nn.Sequential(torch.nn.Dropout(), torch.nn.Linear(16, 7))),
            "under fc.1.bias it has [7], its spec nothing; reset_classifier(num_classes) adds a classifier",
        ),
        (
            lambda model: setattr(model, "fc", torch.nn.Linear(8, 7)),
            "(widths 4-8-16) of 7 classes: under fc.weight it has [7, 8], its spec [7, 16]; reset_classifier(num",
        ),
        (
            lambda model: setattr(model, "layer3", torch.nn.Sequential()),
            "under layer3.0.bn1.bias it has nothing, its spec [16]; torch.save keeps any state_dict()",
        ),
    ],
)
def test_what_is_no_whole_network_is_not_saved(
    tiny_model: resnetzoo.CifarNet, change: Callable[[resnetzoo.CifarNet], object], message: str
) -> None:
    change(tiny_model)
    for write in (resnetzoo.save_weights, resnetzoo.export_safetensors):
        with pytest.raises(resnetzoo.UsageError, match=re.escape(message)):
            write(tiny_model, "mine.safetensors")
    assert not Path("mine.safetensors").exists()


NOT_FINITE = {"NaN": torch.nan, "infinity": torch.inf, "beyond float32": 1e300}


@pytest.mark.parametrize("value", NOT_FINITE.values(), ids=NOT_FINITE)
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("name", ["fc.weight", "bn1.running_var"])
def test_weights_that_diverged_are_kept_with_a_warning(
    tiny_model: resnetzoo.CifarNet, value: float, precision: Literal["fp32", "fp16"], name: str
) -> None:
    if value == 1e300:
        tiny_model.double()  # which the file keeps, and load_checkpoint converts
        precision = "fp32"
    tiny_model.state_dict()[name][0] = value
    with pytest.warns(UserWarning, match="diverged") as said:
        resnetzoo.save_weights(tiny_model, "diverged.safetensors", precision=precision)
    (warned,) = [str(warning.message) for warning in said]
    start = "diverged.safetensors was written, but load_checkpoint will refuse it: "
    assert warned.startswith(start)
    with pytest.raises(resnetzoo.CheckpointError) as refused:
        resnetzoo.load_checkpoint("diverged.safetensors")
    assert str(refused.value) == f"diverged.safetensors: {warned.removeprefix(start)}"
    with safe_open("diverged.safetensors", "pt") as file:
        stored = file.get_tensor(name)
    torch.testing.assert_close(stored, tiny_model.state_dict()[name].to(stored.dtype), equal_nan=True)


def test_weights_that_diverged_are_not_exported(tiny_model: resnetzoo.CifarNet) -> None:
    tiny_model.fc.weight.data[0, 0] = torch.nan
    with pytest.raises(
        resnetzoo.ExportError, match=r"so it was not written: 1 of the \d+ numbers of fc\.weight is NaN"
    ):
        resnetzoo.export_safetensors(tiny_model, "diverged.safetensors")
    assert not Path("diverged.safetensors").exists()
