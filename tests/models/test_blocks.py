"""The formulas of the blocks, by hand and against an independent implementation."""

from dataclasses import replace

import pytest
import torch
from pytorchcv.model_provider import get_model
from torch import nn
from torchvision.models.resnet import BasicBlock

import resnetzoo
from resnetzoo.models.blocks.modules import PlainBlock, PreactBlock, ResidualBlock, ZeroPadShortcut
from resnetzoo.models.shapes import BlockShape

PLAIN, RESIDUAL = resnetzoo.ModelSpec("plain", 8), resnetzoo.ModelSpec("residual", 8)


def silence(block: nn.Module, norm: str) -> None:
    """Make F zero, by the scale of its last norm."""
    block.get_submodule(norm).get_parameter("weight").data.zero_()


def test_zero_pad_shortcut_by_hand() -> None:
    shortcut = ZeroPadShortcut(BlockShape("layer2.0", in_chans=2, width=4, out_chans=4, stride=2))
    x = torch.arange(2 * 4 * 4.0).reshape(1, 2, 4, 4)
    y = shortcut(x)
    assert y.shape == (1, 4, 2, 2)
    assert torch.equal(y[0, 0], torch.zeros(2, 2))
    assert torch.equal(y[0, 1], torch.tensor([[0.0, 2.0], [8.0, 10.0]]))
    assert torch.equal(y[0, 2], torch.tensor([[16.0, 18.0], [24.0, 26.0]]))
    assert torch.equal(y[0, 3], torch.zeros(2, 2))


def test_with_f_silenced_plain_is_zero_and_residual_its_shortcut() -> None:
    shape = BlockShape("layer1.0", in_chans=4, width=4, out_chans=4, stride=1)
    plain, residual = PlainBlock(PLAIN, shape).eval(), ResidualBlock(RESIDUAL, shape).eval()
    silence(plain, "bn2")
    silence(residual, "bn2")
    x = torch.randn(2, 4, 8, 8)
    assert torch.equal(plain(x), torch.zeros_like(x))
    assert torch.equal(residual(x), x.relu())


def test_preactivation_leaves_the_identity_path_alone() -> None:
    shape = BlockShape("layer1.0", in_chans=4, width=4, out_chans=4, stride=1)
    block = PreactBlock(resnetzoo.ModelSpec("preactivation", 8), shape).eval()
    block.conv2.weight.data.zero_()
    x = torch.randn(2, 4, 8, 8)
    assert torch.equal(block(x), x)


@pytest.mark.parametrize("stride", [1, 2])
def test_projection_block_is_torchvisions(stride: int) -> None:
    shape = BlockShape("layer2.0", in_chans=4, width=8, out_chans=8, stride=stride)
    ours = ResidualBlock(replace(RESIDUAL, shortcut="projection_all"), shape).eval()
    downsample = nn.Sequential(nn.Conv2d(4, 8, 1, stride, bias=False), nn.BatchNorm2d(8))
    theirs = BasicBlock(4, 8, stride, downsample).eval()
    theirs.load_state_dict(ours.state_dict())  # the same names, too
    x = torch.randn(2, 4, 9, 9)
    torch.testing.assert_close(ours(x), theirs(x))


@pytest.mark.parametrize(
    ("ours", "theirs", "shortcut"),
    [
        ("resnet20", "resnet20_cifar10", "projection"),
        ("resnet56", "resnet56_cifar10", "projection"),
        ("resnet110", "resnet110_cifar10", "projection"),
        ("resnet164", "resnet164bn_cifar10", "projection"),
        ("preresnet20", "preresnet20_cifar10", "projection"),
        ("preresnet56", "preresnet56_cifar10", "projection"),
        ("preresnet110", "preresnet110_cifar10", "projection"),
        ("preresnet164", "preresnet164bn_cifar10", "projection"),
    ],
)
def test_whole_networks_compute_what_pytorchcvs_do(ours: str, theirs: str, shortcut: str) -> None:
    """The same weights in the same order of layers give the same logits."""
    peer = get_model(theirs, pretrained=False).eval()
    model = resnetzoo.create(ours, shortcut=shortcut, seed=0).eval()  # type: ignore[arg-type]
    assert sum(p.numel() for p in model.parameters()) == sum(p.numel() for p in peer.parameters())
    copy_weights(model, peer)
    x = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(model(x), peer(x), rtol=1e-3, atol=1e-3)


def copy_weights(model: resnetzoo.CifarNet, peer: nn.Module) -> None:
    """Give `peer` the weights of `model`, layer by layer in the order in which data passes through them.

    Shortcuts are counted apart from the rest, since one network runs them before their block and the other behind.
    """
    x = torch.randn(1, 3, 32, 32)
    for kind in (nn.Conv2d, nn.BatchNorm2d, nn.Linear):
        for on_shortcut in (False, True):
            sources, targets = layers_in_order(model, x, kind, on_shortcut), layers_in_order(peer, x, kind, on_shortcut)
            for source, target in zip(sources, targets, strict=True):
                target.load_state_dict(source.state_dict())


def layers_in_order(network: nn.Module, x: torch.Tensor, kind: type[nn.Module], on_shortcut: bool) -> list[nn.Module]:
    order: list[nn.Module] = []
    handles = [
        layer.register_forward_hook(lambda layer, *_: order.append(layer))
        for path, layer in network.named_modules()
        if isinstance(layer, kind) and ("downsample" in path or "identity_conv" in path) == on_shortcut
    ]
    with torch.inference_mode():
        network(x)
    for handle in handles:
        handle.remove()
    return order
