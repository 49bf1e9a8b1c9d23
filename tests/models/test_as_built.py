"""What people change in a network is named, each by its module."""

from collections.abc import Callable

import pytest
import torch
from cases import KINDS, small_network
from timm.layers import StdConv2d
from torch import nn
from torch.nn.utils import parametrizations, prune

import resnetzoo
from resnetzoo.models.as_built import AsBuilt

Network = resnetzoo.CifarNet


class Own(resnetzoo.CifarNet):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return super().forward(images.flip(3))


def replace_conv(m: Network) -> None:
    m.layer2[0].conv1 = StdConv2d(16, 32, 3)  # type: ignore[union-attr]


def no_hook(module: nn.Module, *values: object) -> None:
    """Changes nothing."""


CHANGES: list[tuple[str, str, Callable[[Network], object]]] = [
    ("layer2.0.conv1", "is of the class StdConv2d", replace_conv),
    ("bn1", "is of the class Identity", lambda m: setattr(m, "bn1", nn.Identity())),
    ("layer1.0", "has a forward hook", lambda m: m.layer1[0].register_forward_hook(no_hook)),
    ("", "has a forward-pre hook", lambda m: m.register_forward_pre_hook(no_hook)),
    ("conv1", "has a backward hook", lambda m: m.conv1.register_full_backward_hook(no_hook)),
    ("conv1", "has a backward-pre hook", lambda m: m.conv1.register_full_backward_pre_hook(no_hook)),
    ("conv1", "is parametrized", lambda m: parametrizations.weight_norm(m.conv1)),
    ("conv1", "has a forward-pre hook", lambda m: prune.l1_unstructured(m.conv1, "weight", 0.5)),
    ("layer1.0", "has another forward", lambda m: setattr(m.layer1[0], "forward", lambda x: x)),
    ("", "has another forward_stem", lambda m: setattr(m, "forward_stem", lambda x: x)),
    ("", "has another forward_end", lambda m: setattr(m, "forward_end", lambda x: x)),
    ("", "has another forward_head", lambda m: setattr(m, "forward_head", lambda x: x)),
    ("layer1", "has 2 modules in it, not 1", lambda m: m.layer1.append(nn.Identity())),
    ("layer3.0.conv2", "is missing", lambda m: delattr(m.layer3[0], "conv2")),
]


@pytest.mark.parametrize(("name", "words", "change"), CHANGES, ids=[words for _, words, _ in CHANGES])
def test_a_change_is_named(name: str, words: str, change: Callable[[Network], object]) -> None:
    model = small_network(0)
    assert AsBuilt(model).changes() == {}
    change(model)
    assert AsBuilt(model).changes()[name] == words


def test_a_subclass_with_a_forward_of_its_own_is_named() -> None:
    spec = resnetzoo.ModelSpec("residual", 8)
    assert AsBuilt(Own(spec)).changes() == {"": "has another forward"}


@pytest.mark.parametrize("spec", KINDS, ids=lambda spec: f"{spec.label}-{spec.shortcut}")
def test_nothing_is_changed_at_first(spec: resnetzoo.ModelSpec) -> None:
    assert AsBuilt(resnetzoo.CifarNet(spec)).changes() == {}
