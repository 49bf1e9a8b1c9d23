"""Files that name another architecture with the weights of a network here, as its own library builds it."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from foreign_networks import IMAGES, assert_same_logits, load, ours, with_lived_in_norms
from pytorchcv import model_provider
from torch import nn

import resnetzoo
from resnetzoo import CheckpointWarning, ModelSpec
from resnetzoo.weights.checkpoint.foreign_name import foreign_architecture

timm = pytest.importorskip("timm")


def of_timm(name: str) -> nn.Module:
    """For small images: with a 3x3 stem and without max-pooling, under the names of timm."""
    network = timm.create_model(name, num_classes=10)
    network.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    network.maxpool = nn.Identity()
    return network


def of_pytorchcv(name: str) -> nn.Module:
    network: nn.Module = model_provider.get_model(name, pretrained=False)
    return network


@pytest.mark.parametrize(
    ("name", "build"),
    [
        ("resnetblur18", of_timm),
        ("resnetaa50", of_timm),
        ("shakedropresnet20_cifar10", of_pytorchcv),
    ],
)
def test_another_architecture_of_the_same_weights_is_warned_of(
    tmp_path: Path, name: str, build: Callable[[str], nn.Module]
) -> None:
    peer = with_lived_in_norms(build(name))
    for content, file, where in (
        ({"arch": name, "state_dict": peer.state_dict()}, "weights.pt", f"its arch says {name}"),
        ({"args": {"model": name}, "model": peer.state_dict()}, "weights.pt", rf"its args\.model says {name}"),
        (peer.state_dict(), f"{name}-0854.pth", "the name says"),
        ({"arch": name, "state_dict": peer.state_dict()}, f"{name}-0854.pth", f"its arch says {name}"),
    ):
        torch.save(content, tmp_path / file)
        with pytest.warns(CheckpointWarning, match=f"{where}.*, another architecture than resnet") as caught:
            model = resnetzoo.load_checkpoint(tmp_path / file)
        assert len([one for one in caught if issubclass(one.category, CheckpointWarning)]) == 1
    with torch.inference_mode():
        assert not torch.allclose(model(IMAGES), peer(IMAGES), atol=1e-3)
    with pytest.warns(CheckpointWarning, match=f"as asked for, but its arch says {name}"):
        resnetzoo.load_checkpoint({"arch": name, "state_dict": peer.state_dict()}, family="residual")


def test_a_network_that_computes_the_same_is_loaded_without_a_word(tmp_path: Path) -> None:
    peer = with_lived_in_norms(of_pytorchcv("resdropresnet20_cifar10"))  # it drops blocks in training only
    torch.save({"arch": "resdropresnet20_cifar10", "state_dict": peer.state_dict()}, tmp_path / "weights.pt")
    assert_same_logits(load(tmp_path / "weights.pt"), peer)


@pytest.mark.parametrize(
    "name",
    [
        *("seresnet20", "SEResNet20", "se_resnet20", "sk-resnet18", "sepreresnet20", "seresnext29_32x4d", "seresnet"),
        *("cbam_resnet18", "resnet20_cbam", "ShakeDropResNet20", "shake_drop_resnet20", "resnet20_shakedrop"),
        *("models.shakeshake_resnet26", "resnet_blur_18", "antialiased_resnet18", "FixupResNet20", "resnet20-fixup"),
        *("cifar10_seresnet20_best", "legacy_seresnet18", "resnetrs50"),
    ],
)
def test_names_of_other_architectures(name: str) -> None:
    network = ours(ModelSpec("residual", 8))
    with pytest.warns(CheckpointWarning, match=f"its arch says {name}, another architecture than resnet8"):
        resnetzoo.load_checkpoint({"arch": name, "state_dict": network.state_dict()})


@pytest.mark.parametrize(
    "name",
    [
        *("my_resnet20_run3", "cifar10_resnet20_best", "exp12", "CifarResNet20", "LitResNet20", "GrayResNet20"),
        *("tinyresnet20", "resnet20_aa", "resnet20-sam-seed3", "house_resnet20", "course-resnet20", "kd_resnet20"),
        *("ResNetForImageClassification", "ResNetRun3", "c10resnet20", "resnet20_seed3", "resnet20_sgd", "baseline"),
        *("DataParallel(resnet20)", "checkpoints/resnet20", "resnet20_skip", "resnet20_cifar100", "resnetcifar20"),
    ],
)
def test_names_that_people_give_their_own_networks(tmp_path: Path, name: str) -> None:
    network = ours(ModelSpec("residual", 20))
    torch.save({"arch": name, "state_dict": network.state_dict()}, tmp_path / "weights.pt")
    file = tmp_path / f"{re.sub(r'[^a-zA-Z0-9_-]', '_', name)}.pth"
    torch.save(network.state_dict(), file)
    for path in (tmp_path / "weights.pt", file):
        assert_same_logits(load(path), network)


NO_RELATIVES = re.compile(
    r"(pre)?resne[tx]t?(v2_)?\d.*|wide_resnet\d.*"  # networks of this package, or those for ImageNet of the same name
    r"|\w+_(mobile_)?resnet[ad]?\d.*"  # backbones of segmentation, pose estimation and transformers
    r"|tresnet_\w+|inception_?resnet_?v\d|ecaresnetlight|test_resnet|resneta\d.*"  # with weights of their own
    r"|resdropresnet\d.*"  # which compute the same
)


def test_all_relatives_in_other_libraries_are_known() -> None:
    theirs = (*timm.list_models(exclude_filters="resnetzoo_*"), *model_provider._models)
    names = {name for name in theirs if re.search(r"resne[tx]", name)}
    known = {name for name in names if foreign_architecture(name)}
    assert {name for name in names - known if not NO_RELATIVES.fullmatch(name)} == set()
    assert not [name for name in resnetzoo.list_models() if foreign_architecture(name)]


@pytest.mark.parametrize("name", ["resnet_d20", "2024_oct_resnet20", "ca_resnet20", "resnet20_aa", "my_bat_resnet20"])
def test_a_gap_makes_another_word_of_short_ones(name: str) -> None:
    assert foreign_architecture(name) is None
