"""Trained networks for images of another number of channels: timm's own function and the network itself are judges."""

from pathlib import Path

import pytest
import torch
from foreign_networks import load, ours

import resnetzoo
from resnetzoo import CheckpointWarning, ModelSpec


def rgb_file(path: Path) -> resnetzoo.CifarNet:
    """A network of `create`, also as bare weights in a file."""
    model = ours(ModelSpec("residual", 8))
    torch.save(model.state_dict(), path)
    return model


@pytest.mark.parametrize("in_chans", [1, 2, 3, 4, 6, 7])
def test_the_weights_are_those_of_timm(in_chans: int) -> None:
    adapt = pytest.importorskip("timm.models").adapt_input_conv
    trained = resnetzoo.create("resnet20", weights=True)
    expected = adapt(in_chans, trained.conv1.weight.detach())
    if in_chans == 3:
        model = resnetzoo.create("resnet20", weights=True, in_chans=3)
    else:
        with pytest.warns(CheckpointWarning, match=f"takes images of {in_chans} instead of 3 channels: .*conv1"):
            model = resnetzoo.create("resnet20", weights=True, in_chans=in_chans)
    assert (model.spec.in_chans, model.in_chans, model.conv1.in_channels) == (in_chans, in_chans, in_chans)
    assert torch.allclose(model.conv1.weight, expected, rtol=1e-6, atol=1e-8)
    assert model(torch.zeros(2, in_chans, 32, 32)).shape == (2, 10)
    others = {name: value for name, value in trained.state_dict().items() if name != "conv1.weight"}
    assert all(torch.equal(model.state_dict()[name], value) for name, value in others.items())
    assert model.classes == trained.classes
    assert (model.weights is None) == (in_chans != 3)  # changed weights are of no row


def test_a_grey_image_gives_what_its_copy_on_every_channel_gave() -> None:
    trained = resnetzoo.create("resnet20", weights=True)
    with pytest.warns(CheckpointWarning, match=r"conv1 were summed over them, and its mean and standard deviation are"):
        model = resnetzoo.create("resnet20", weights=True, in_chans=1)
    grey = torch.randn(4, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.allclose(model(grey), trained(grey.repeat(1, 3, 1, 1)), rtol=1e-4, atol=1e-4)
    assert trained.normalization is not None
    assert model.normalization is not None
    theirs, adapted = trained.normalization.to_dict(), model.normalization.to_dict()
    for key in ("mean", "std"):
        (value,) = adapted[key]  # type: ignore[misc]
        assert value == pytest.approx(sum(theirs[key]) / 3, abs=2e-6)  # type: ignore[call-overload]
    pixels = torch.randint(0, 256, (1, 32, 32), dtype=torch.uint8)
    assert model.preprocess(pixels).shape == (1, 32, 32)


def test_repeated_channels_have_the_normalization_of_theirs() -> None:
    with pytest.warns(CheckpointWarning, match=r"conv1 were repeated and scaled by 3/6, .* deviation are repeated"):
        model = resnetzoo.create("resnet20", weights=True, in_chans=6)
    trained = resnetzoo.create("resnet20", weights=True)
    twice = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    assert model.normalization is not None
    assert trained.normalization is not None
    with torch.inference_mode():
        logits = model(model.normalization(twice.repeat(1, 2, 1, 1)))
        assert torch.allclose(logits, trained(trained.normalization(twice)), rtol=1e-4, atol=1e-4)


def test_a_mean_for_each_place_goes_along(tmp_path: Path) -> None:
    model = ours(ModelSpec("residual", 8))
    images = torch.randint(0, 256, (50, 3, 32, 32), dtype=torch.uint8)
    model.normalization = resnetzoo.ImageSet(images, torch.zeros(50).long(), tuple("0123456789")).normalization(
        "per_pixel_mean"
    )
    resnetzoo.save_weights(model, tmp_path / "ours.safetensors")
    with pytest.warns(CheckpointWarning, match="summed"):
        grey = resnetzoo.load_checkpoint(tmp_path / "ours.safetensors", in_chans=1)
    assert grey.normalization is not None
    assert torch.allclose(grey.normalization.mean, model.normalization.mean.mean(0, keepdim=True))
    assert grey.normalization.mean.shape == (1, 32, 32)
    resnetzoo.save_weights(grey, tmp_path / "grey.safetensors")
    again = load(tmp_path / "grey.safetensors")
    assert again.spec == grey.spec
    assert torch.equal(again(torch.ones(1, 1, 32, 32)), grey(torch.ones(1, 1, 32, 32)))


@pytest.mark.parametrize(("found", "wanted"), [(1, 3), (3, 1), (4, 1), (2, 5)])
def test_files_of_any_channels_become_any_others(tmp_path: Path, found: int, wanted: int) -> None:
    peer = ours(ModelSpec("residual", 8, in_chans=found))
    torch.save(peer.state_dict(), tmp_path / "weights.pt")
    with pytest.warns(CheckpointWarning, match=f"{wanted} instead of {found} channels") as said:
        model = resnetzoo.load_checkpoint(tmp_path / "weights.pt", in_chans=wanted)
    assert said[0].filename == __file__
    assert str(said[0].message).removeprefix(f"{tmp_path / 'weights.pt'}: ") in str(model.origin)
    if wanted % found == 0 or wanted == 1:  # an image that is the same on every channel looks the same to both
        flat = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
        with torch.inference_mode():
            expected = peer(flat.repeat(1, found, 1, 1))
            assert torch.allclose(model(flat.repeat(1, wanted, 1, 1)), expected, rtol=1e-3, atol=1e-3)


def test_other_channels_and_other_classes_together() -> None:
    with pytest.warns(CheckpointWarning, match="summed"):
        model = resnetzoo.create("resnet20", weights=True, in_chans=1, num_classes=7, seed=0)
    assert model(torch.zeros(1, 1, 32, 32)).shape == (1, 7)
    assert (model.classes, model.weights, model.num_classes) == (None, None, 7)


def test_loading_for_other_channels_leaves_the_random_state(tmp_path: Path) -> None:
    rgb_file(tmp_path / "weights.pt")
    torch.manual_seed(1)
    state = torch.get_rng_state()
    with pytest.warns(CheckpointWarning, match="summed"):
        resnetzoo.load_checkpoint(tmp_path / "weights.pt", in_chans=1)
    assert torch.equal(torch.get_rng_state(), state)
