"""What people do to a network after it was built, each a change of one of its modules."""

import copy
import warnings
from collections.abc import Callable

import torch
from cases import lived_in
from timm.layers import StdConv2d
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize, prune

import resnetzoo

SPEC = resnetzoo.ModelSpec("residual", 8, shortcut="projection", widths=(8, 16, 32))


class ScaledNorm(nn.BatchNorm2d):
    def forward(self, x: Tensor) -> Tensor:
        return 1.7 * super().forward(x)


class Half(nn.Module):
    def forward(self, weight: Tensor) -> Tensor:
        return weight / 2


def _std_conv(network: resnetzoo.CifarNet) -> None:
    weight = network.layer1[0].conv1.weight  # type: ignore[union-attr]
    conv = StdConv2d(8, 8, 3, padding=1)
    conv.weight = weight  # type: ignore[assignment]
    network.layer1[0].conv1 = conv  # type: ignore[union-attr]


def _norm_subclass(network: resnetzoo.CifarNet) -> None:
    norm = ScaledNorm(16)
    norm.load_state_dict(network.layer2[0].bn1.state_dict())  # type: ignore[union-attr]
    network.layer2[0].bn1 = norm  # type: ignore[union-attr]


def _hook(name: str) -> Callable[[resnetzoo.CifarNet], object]:
    return lambda network: network.get_submodule(name).register_forward_hook(lambda module, x, y: 1.5 * y + 0.1)


def _older(norm: Callable[[nn.Module], object]) -> Callable[[resnetzoo.CifarNet], None]:
    def change(network: resnetzoo.CifarNet) -> None:
        with warnings.catch_warnings():  # torch advises the parametrizations
            warnings.simplefilter("ignore", FutureWarning)
            norm(network.layer1[0].conv1)  # type: ignore[union-attr, arg-type]

    return change


def _fp32_hook(network: resnetzoo.CifarNet) -> None:
    network.conv1.register_forward_hook(lambda module, x, y: y + torch.ones(1, 8, 1, 1))


def _pre_hook(network: resnetzoo.CifarNet) -> None:
    network.layer1[0].conv1.register_forward_pre_hook(lambda module, x: (2 * x[0],))  # type: ignore[union-attr]


def _batch_norm_of_the_batch(network: resnetzoo.CifarNet) -> None:
    network.layer1[0].bn1 = nn.BatchNorm2d(8, track_running_stats=False)  # type: ignore[union-attr]


def _conv(network: resnetzoo.CifarNet) -> nn.Module:
    return network.layer1[0].conv1  # type: ignore[union-attr, return-value]


CLASSES: dict[str, Callable[[resnetzoo.CifarNet], object]] = {
    "StdConv2d": _std_conv,
    "norm subclass": _norm_subclass,
}
HOOKS: dict[str, Callable[[resnetzoo.CifarNet], object]] = {
    "hook on a convolution": _hook("layer1.0.conv1"),
    "hook on a norm": _hook("layer1.0.bn1"),
    "hook on a block": _hook("layer1.0"),
    "hook on a shortcut": _hook("layer2.0.downsample"),
    "hook on the network": _hook(""),
    "hook in fp32": _fp32_hook,
    "forward-pre hook": _pre_hook,
}
COMPUTED: dict[str, Callable[[resnetzoo.CifarNet], object]] = {
    "spectral norm": lambda network: parametrizations.spectral_norm(_conv(network)),
    "weight norm": lambda network: parametrizations.weight_norm(_conv(network)),
    "older spectral norm": _older(nn.utils.spectral_norm),
    "older weight norm": _older(nn.utils.weight_norm),
    "parametrization": lambda network: parametrize.register_parametrization(_conv(network), "weight", Half()),
    "pruned": lambda network: prune.l1_unstructured(_conv(network), "weight", 0.5),  # type: ignore[no-untyped-call]
}
OTHERS: dict[str, Callable[[resnetzoo.CifarNet], object]] = {
    "norm of the batch": _batch_norm_of_the_batch,
    "no norm": lambda network: setattr(network.layer1[0], "bn1", nn.Identity()),
}
CHANGES = {**CLASSES, **HOOKS, **COMPUTED, **OTHERS}


def changed(change: str) -> resnetzoo.CifarNet:
    """A network in evaluation mode with this change; its outputs are others than without."""
    network = lived_in(SPEC)
    before = copy.deepcopy(network)
    CHANGES[change](network)
    images = torch.randn(4, 3, 32, 32)
    with torch.no_grad():
        apart = float((network.eval()(images) - before.eval()(images)).abs().max())
    assert apart > 1e-2 or change.endswith("weight norm")  # which starts as what was there
    return network
