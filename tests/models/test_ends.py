"""What the first and last layer say counts, whoever put them there, for everything that asks a network."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from cases import lived_in
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import resnetzoo
from resnetzoo import analysis
from resnetzoo.data.normalization import channel_normalization
from resnetzoo.export.subject import subject_of

SPEC = resnetzoo.ModelSpec("residual", 8, widths=(4, 8, 16))


class Rows(nn.Module):
    """A classifier that does not say its length."""

    def __init__(self, count: int, features: int = 16) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(count, features))

    def forward(self, features: Tensor) -> Tensor:
        return features @ self.weight.T


HEADS: dict[str, tuple[Callable[[], nn.Module], int | None]] = {
    "linear": (lambda: nn.Linear(16, 7), 7),
    "without bias": (lambda: nn.Linear(16, 7, bias=False), 7),
    "dropout before it": (lambda: nn.Sequential(nn.Dropout(), nn.Linear(16, 7)), 7),
    "two layers": (lambda: nn.Sequential(nn.Linear(16, 30), nn.ReLU(), nn.Linear(30, 7)), 7),
    "nested, and probabilities": (lambda: nn.Sequential(nn.Sequential(nn.Linear(16, 7)), nn.Softmax(1)), 7),
    "none": (nn.Identity, 0),
    "dropout alone": (lambda: nn.Sequential(nn.Dropout()), 0),
    "one that does not say it": (lambda: Rows(7), None),
    "one behind a layer": (lambda: nn.Sequential(nn.Linear(16, 30), Rows(7, 30)), None),
}
STEMS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "convolution": (lambda: nn.Conv2d(5, 4, 3, padding=1, bias=False), 5),
    "padding in words": (lambda: nn.Conv2d(5, 4, 3, padding="same", bias=False), 5),
    "two": (lambda: nn.Sequential(nn.Conv2d(5, 9, 1), nn.Conv2d(9, 4, 3, padding=1)), 5),
    "something before it": (lambda: nn.Sequential(nn.Dropout(0.1), nn.Conv2d(5, 4, 3, padding=1)), 5),
}


def trained() -> resnetzoo.CifarNet:
    model = lived_in(SPEC).eval()
    model.normalization = channel_normalization((0.2, 0.6, 0.9), (0.4, 0.1, 0.7))
    model.classes = tuple("abcdefghij")
    return model


@pytest.mark.parametrize("head", HEADS)
def test_the_classifier_says_how_many_classes_there_are(head: str) -> None:
    make, count = HEADS[head]
    model = trained()
    model.fc = make()
    model.eval()
    images = torch.randn(3, 3, 32, 32)
    assert model.num_classes == count
    assert count in (None, 0, model(images).shape[1])
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        optimized = resnetzoo.optimize(model, precision="fp32", compile=False)
    assert optimized.num_classes == count
    assert optimized.classes == (None if count is not None else model.classes)
    assert [str(warning.message) for warning in said] == (
        [
            f"{model.spec.label} now has a classifier of 7 classes but names of 10, which are left out: set "
            "model.classes to the names of the new classes, or to None if they have none"
        ]
        if count
        else []
    )
    with torch.no_grad():
        torch.testing.assert_close(optimized(images), model(images), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("stem", STEMS)
def test_the_stem_says_how_many_channels_there_are(stem: str) -> None:
    make, channels = STEMS[stem]
    model = trained()
    model.conv1 = make()  # type: ignore[assignment]
    model.eval()
    images = torch.randn(2, channels, 16, 16)
    assert model.in_chans == channels
    logits = model(images)
    optimized = resnetzoo.optimize(model, precision="fp32", compile=False)
    assert optimized.in_chans == channels
    torch.testing.assert_close(optimized(images), logits.detach(), rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match=rf"of shape \(N, {channels}, H, W\), found \[2, 3, 16, 16\]"):
        optimized(torch.randn(2, 3, 16, 16))
    assert len(analysis.response_std(model, images).values) == 7
    with pytest.raises(resnetzoo.UsageError, match=rf"images must be \(N, {channels}, H, W\)"):
        analysis.response_std(model, torch.randn(2, 3, 16, 16))


@pytest.mark.parametrize("suffix", ["safetensors", "pt2"])
def test_files_leave_names_out_with_one_warning(suffix: str, tmp_path: Path) -> None:
    model = trained()
    model.fc = nn.Linear(16, 7)
    export = resnetzoo.export_safetensors if suffix == "safetensors" else resnetzoo.export_program
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        export(nn.DataParallel(model), tmp_path / f"a.{suffix}")
    assert len([warning for warning in said if "which are left out" in str(warning.message)]) == 1
    assert model.classes == tuple("abcdefghij")  # the model itself is left as it was


def test_numbers_are_no_wishes() -> None:
    model = trained()
    model.num_classes, model.in_chans = 10, 3
    with pytest.raises(resnetzoo.UsageError, match=r"fc gives 10 logits, not 7: reset_classifier\(7\) changes it"):
        model.num_classes = 7
    with pytest.raises(resnetzoo.UsageError, match="conv1 takes 3 channels, not 1: put another one in its place"):
        model.in_chans = 1
    model.fc = nn.Linear(16, 7)
    model.num_classes = 7


def test_files_say_what_the_layers_say(tmp_path: Path) -> None:
    model = trained()
    model.fc, model.conv1 = nn.Linear(16, 7), nn.Conv2d(1, 4, 3, padding=1, bias=False)
    model.classes = None
    model.normalization = channel_normalization((0.5,), (0.25,))
    assert json.loads(subject_of(model).facts["spec"])["num_classes"] == 7
    assert json.loads(subject_of(model).facts["spec"])["in_chans"] == 1
    resnetzoo.save_weights(model, tmp_path / "a.safetensors")
    resnetzoo.export_program(model, tmp_path / "a.pt2")
    images = torch.randn(2, 1, 32, 32)
    again = resnetzoo.load_checkpoint(tmp_path / "a.safetensors")
    assert (again.spec.num_classes, again.spec.in_chans) == (again.num_classes, again.in_chans) == (7, 1)
    assert torch.equal(again(images), model(images))
    found = torch.export.load(tmp_path / "a.pt2").module()(images)
    torch.testing.assert_close(found, model(images), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("make", [lambda: nn.Linear(16, 7), lambda: Rows(7)])
def test_labels_go_as_far_as_the_logits(make: Callable[[], nn.Module]) -> None:
    model = trained()
    model.fc = make()
    model.eval()
    images = torch.randn(2, 3, 16, 16)
    found = analysis.loss_surface(model, (images, torch.tensor([6, 0])), points=3).losses[1, 1]
    logits = model(images).detach()
    expected = (logits.logsumexp(1) - logits[torch.arange(2), torch.tensor([6, 0])]).mean()
    assert found == pytest.approx(float(expected), rel=1e-4)
    with pytest.raises(resnetzoo.UsageError, match=r"image 0 has label 7, but the network's classes go from 0 to 6"):
        analysis.gradient_norms(model, (images, torch.tensor([7, 0])))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["linear", "dropout", "relu", "norm", "identity", "nested"]), max_size=5), st.data())
def test_a_row_of_layers_says_what_it_gives(kinds: list[str], data: st.DataObject) -> None:
    """As running it says."""
    width, layers = 16, []
    for kind in kinds:
        if kind in ("linear", "nested"):
            wider = data.draw(st.integers(1, 20))
            linear = nn.Linear(width, wider)
            layers.append(linear if kind == "linear" else nn.Sequential(linear, nn.Dropout()))
            width = wider
        else:
            makes = {"dropout": nn.Dropout, "relu": nn.ReLU, "identity": nn.Identity}
            layers.append(nn.BatchNorm1d(width) if kind == "norm" else makes[kind]())
    model = resnetzoo.CifarNet(SPEC).eval()
    model.fc = nn.Sequential(*layers).eval()
    given_back = model(torch.randn(1, 3, 8, 8)).shape[1]
    has_classifier = {"linear", "nested"} & set(kinds)
    assert model.num_classes == (given_back if has_classifier else 0)
