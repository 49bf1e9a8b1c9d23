"""Hooks on each measured tensor of a network, located by its spec.

Measurements run on a twin, so that the network itself gets no hooks and keeps its mode.
"""

from collections.abc import Callable
from itertools import chain

from torch import Tensor, nn

from resnetzoo.errors import UsageError
from resnetzoo.models.cifar_net import CifarNet
from resnetzoo.models.wrappers import zoo_network
from resnetzoo.utils.modules import check_values, copy_of, in_mode

TensorHook = Callable[[str, Tensor], None]
"""Called with a layer's name and its tensor (n, C, H, W) when the forward pass reaches it. Tensors may be kept, which
costs only memory: no later operation overwrites them."""


def evaluation_twin(model: nn.Module) -> CifarNet:
    """A twin in evaluation mode that shares parameters and buffers with `model`; it has its own mode and hooks.

    Raises:
        UsageError: as in `analysed_network`.
    """
    network = analysed_network(model)
    return in_mode(copy_of(network, chain(network.parameters(), network.buffers())), training=False)


def analysed_network(model: nn.Module) -> CifarNet:
    """The network that `model` is or wraps, whose weights have values.

    Raises:
        UsageError: `model` is not a network of this package, or is on the meta device.
    """
    network = zoo_network(model, "analysis")
    check_values(network)
    return network


def weighted_layers(network: CifarNet) -> dict[str, nn.Conv2d | nn.Linear]:
    """Convolutions and classifier by name, in the order of the forward pass; projections follow their block's F."""
    return {name: module for name, module in network.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)}


def watch_responses(twin: CifarNet, hook: TensorHook) -> None:
    """Call `hook` with the response of each 3x3 convolution, under the convolution's name."""
    for conv in twin.spec.all_convs():
        if conv.response is not None:
            _watch(_module(twin, conv.response), conv.conv, hook)


def watch_shortcuts(twin: CifarNet, hook: TensorHook) -> None:
    """Call `hook` with the output of each block's shortcut, under the block's name.

    Raises:
        UsageError: the network is plain.
    """
    if not twin.spec.has_shortcuts:
        raise UsageError(
            f"{twin.spec.label} is {twin.spec.family} and has no shortcuts; use a residual network, such as resnet20"
        )
    for name in _blocks(twin):
        _watch(_module(twin, f"{name}.downsample"), name, hook)


def watch_branches(twin: CifarNet, hook: TensorHook) -> None:
    """Call `hook` with the output of each block's F, under the block's name."""
    for name in _blocks(twin):
        _watch(_module(twin, f"{name}.{twin.spec.last_layer}"), name, hook)


def watch_outputs(twin: CifarNet, hook: TensorHook) -> None:
    """Call `hook` with the input of the first block, as `stem`, and with each block's output, under its name."""
    twin.get_submodule(twin.spec.stages[0].name).register_forward_pre_hook(
        lambda module, inputs: hook("stem", inputs[0])
    )
    for name, block in _blocks(twin).items():
        _watch(block, name, hook)


def _blocks(network: CifarNet) -> dict[str, nn.Module]:
    return {block.name: _module(network, block.name) for block in network.spec.blocks()}


def _module(network: CifarNet, name: str) -> nn.Module:
    try:
        return network.get_submodule(name)
    except AttributeError:
        raise UsageError(
            f"nothing was measured at {name}: the network was changed after it was built as a {network.spec.label}; "
            "analysis needs networks as create and load_checkpoint return them"
        ) from None


def _watch(module: nn.Module, name: str, hook: TensorHook) -> None:
    module.register_forward_hook(lambda module, inputs, output: hook(name, output))
