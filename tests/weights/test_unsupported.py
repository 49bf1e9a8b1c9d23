"""Files that hold no network of this package: the message says what is in them."""

from pathlib import Path

import pytest
import torch
from changed_networks import COMPUTED, changed
from torch.nn.utils import prune
from torchvision.models import resnet18
from unsupported_contents import CONTENTS, emptied, on_meta

import resnetzoo
from resnetzoo import CheckpointError


@pytest.mark.parametrize("kind", CONTENTS)
def test_files_of_other_contents(tmp_path: Path, kind: str) -> None:
    content, message = CONTENTS[kind]
    path = tmp_path / "weights.pt"
    torch.save(content(), path)
    with pytest.raises(CheckpointError, match=message) as refused:
        resnetzoo.load_checkpoint(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert str(refused.value).count(str(path)) == 1
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("vit_tiny_patch16_224", "it is a transformer"),
        ("efficientnet_b0", "it is a MobileNet, an EfficientNet or similar"),
        ("mobilenetv3_small_100", "it is a MobileNet, an EfficientNet or similar"),
        ("convnext_pico", "it is a ConvNeXt or similar"),
        ("skresnet18", "a 4-stage relative of the ImageNet ResNets"),
        ("resnet50_gn", "a 4-stage ImageNet ResNet of 50 layers"),
    ],
)
def test_networks_of_timm(tmp_path: Path, name: str, message: str) -> None:
    timm = pytest.importorskip("timm")
    torch.save(emptied(timm.create_model(name)), tmp_path / "weights.pt")
    with pytest.raises(CheckpointError, match=message):
        resnetzoo.load_checkpoint(tmp_path / "weights.pt")


def test_an_unsupported_network_is_held_against_the_name_of_its_file(tmp_path: Path) -> None:
    torch.save(on_meta(resnet18), tmp_path / "resnet56.pt")
    with pytest.raises(CheckpointError, match="not the resnet of 56 layers that its name says"):
        resnetzoo.load_checkpoint(tmp_path / "resnet56.pt")


@pytest.mark.parametrize("change", COMPUTED)
def test_computed_weights_are_refused_with_their_cure(change: str) -> None:
    with pytest.raises(
        CheckpointError, match=r"such as layer1\.0\.conv1\..*prune\.remove, .*save its state_dict\(\) again"
    ):
        resnetzoo.load_checkpoint({"state_dict": changed(change).state_dict()})


def test_a_network_of_which_every_weight_is_pruned_is_refused_with_its_cure() -> None:
    model = resnetzoo.create("resnet8")
    for module in [module for module in model.modules() if hasattr(module, "weight")]:
        prune.random_unstructured(module, "weight", 0.5)  # type: ignore[no-untyped-call]
    with pytest.raises(CheckpointError, match=r"such as conv1\.weight_orig: where it was made"):
        resnetzoo.load_checkpoint(model.state_dict())


def test_an_address_is_for_load_model() -> None:
    with pytest.raises(
        CheckpointError, match=r"^https://host/a\.pth: .* an address: resnetzoo\.load_model fetches it$"
    ):
        resnetzoo.load_checkpoint("https://host/a.pth")
