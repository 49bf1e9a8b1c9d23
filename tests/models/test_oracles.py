"""Wider networks against those of torchvision and pytorchcv: the same weights give the same numbers."""

from collections.abc import Callable
from typing import Any, cast

import pytest
import torch
from cases import THIN, lived_in
from pytorchcv.models.resnext_cifar import CIFARResNeXt
from pytorchcv.models.wrn_cifar import CIFARWRN
from torch import Tensor, nn
from torchvision.models import ResNet
from torchvision.models.resnet import BasicBlock, Bottleneck

import resnetzoo
from resnetzoo.models.cifar_net import without_values


def torchvision_net(name: str) -> ResNet:
    """As people change torchvision's for small images."""
    kinds: dict[str, tuple[type[BasicBlock | Bottleneck], list[int]]] = {
        "resnet18": (BasicBlock, [2, 2, 2, 2]),
        "resnet34": (BasicBlock, [3, 4, 6, 3]),
        "resnet50": (Bottleneck, [3, 4, 6, 3]),
    }
    model = ResNet(*kinds[name], num_classes=10)
    model.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    model.maxpool = nn.Identity()  # type: ignore[assignment]
    return model


def test_resnet18_is_torchvisions_both_ways() -> None:
    ours, theirs = resnetzoo.create("resnet18", seed=0), torchvision_net("resnet18").eval()
    images = torch.randn(2, 3, 32, 32)
    theirs.load_state_dict(lived_in(ours.spec).state_dict(), strict=True)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    with torch.no_grad():
        assert torch.equal(ours.eval()(images), theirs(images))


@pytest.mark.parametrize("name", ["resnet34", "resnet50"])
def test_names_and_shapes_are_torchvisions(name: str) -> None:
    with torch.device("meta"):
        theirs = torchvision_net(name)
    found = without_values(resnetzoo.get_spec(name)).state_dict()
    expected = theirs.state_dict()
    assert {key: value.shape for key, value in found.items()} == {key: value.shape for key, value in expected.items()}


def thin_pytorchcv_wrn() -> nn.Module:
    """Of one block a stage, twice as wide as a stem of 4 channels."""
    model = CIFARWRN(channels=[[8], [16], [32]], init_block_channels=4, in_size=(32, 32), num_classes=10)
    return cast(nn.Module, model)


def thin_pytorchcv_resnext() -> nn.Module:
    """Of one block a stage; theirs has widths of a quarter of what leaves a block."""
    model = CIFARResNeXt(
        channels=[[32], [64], [128]], init_block_channels=8, cardinality=2, bottleneck_width=16, num_classes=10
    )
    return cast(nn.Module, model)


@pytest.mark.parametrize(("kind", "peer"), [("wide", thin_pytorchcv_wrn), ("grouped", thin_pytorchcv_resnext)])
def test_blocks_are_pytorchcvs(kind: str, peer: Callable[[], nn.Module]) -> None:
    ours, theirs = lived_in(THIN[kind]), peer().eval()
    their_tensors = {name: value for name, value in theirs.state_dict().items() if "num_batches" not in name}
    our_tensors = {name: value for name, value in ours.state_dict().items() if "num_batches" not in name}
    assert len(their_tensors) == len(our_tensors)
    copied = dict(zip(their_tensors, in_their_order(ours, kind), strict=True))
    theirs.load_state_dict(copied, strict=False)
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(ours(images), theirs(images), rtol=1e-5, atol=1e-5)


def in_their_order(model: resnetzoo.CifarNet, kind: str) -> list[Tensor]:
    """Our tensors: stem, then each block as they register its layers, then the rest."""

    def of(path: str) -> list[Tensor]:
        module: Any = model.get_submodule(path)
        return [value for name, value in module.state_dict().items() if "num_batches" not in name]

    found = of("conv1") + of("bn1")
    for block in model.spec.blocks():
        numbers = range(1, model.spec.layers_per_block + 1)
        pairs = [("bn", "conv") if kind == "wide" else ("conv", "bn")] * len(numbers)
        for number, pair in zip(numbers, pairs, strict=True):
            for part in pair:
                found += of(f"{block.name}.{part}{number}")
        if model.spec.has_projection(block):
            found += of(f"{block.name}.downsample")
    return [*found, *of("bn"), *of("fc")]


@pytest.mark.parametrize("kind", ["group norm", "group norm first"])
def test_group_norm_is_torchs_in_place_of_batch_norm(kind: str) -> None:
    spec = THIN[kind]
    ours = lived_in(spec)
    values = {field: value for field, value in spec.to_dict().items() if field != "norm"}
    theirs = resnetzoo.CifarNet(resnetzoo.ModelSpec.from_dict(values)).eval()
    groups = {4: 4, 8: 8, 16: 16, 48: 24}  # the largest divisor that is not above 32
    for name, module in list(theirs.named_modules()):
        if isinstance(module, nn.BatchNorm2d):
            theirs.set_submodule(name, nn.GroupNorm(groups[module.num_features], module.num_features))
    theirs.load_state_dict(ours.state_dict(), strict=True)
    images = torch.randn(1, 3, 16, 16)
    assert torch.equal(ours.train()(images), theirs.train()(images))  # also of one image
    assert resnetzoo.complexity(spec).params == sum(parameter.numel() for parameter in theirs.parameters())


def test_one_image_of_few_pixels_is_refused_by_group_norm_alone() -> None:
    """It has nothing to normalize there; the documentation says from which size on it has."""
    for kind, size, accepted in [("batch", 1, True), ("group", 1, False), ("group", 2, False), ("group", 3, True)]:
        model = resnetzoo.create("resnet20", norm=kind, seed=0).eval()
        assert model(torch.randn(2, 3, size, size)).isfinite().all()
        if accepted:
            assert model(torch.randn(1, 3, size, size)).isfinite().all()
        else:
            with pytest.raises(ValueError, match="more than 1 value per channel"):
                model(torch.randn(1, 3, size, size))
