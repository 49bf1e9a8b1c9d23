"""Hooks on each measured tensor of a network, located by its spec.

Measurements run on a twin, so that the network itself gets no hooks and keeps its mode.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, cycle

from torch import Tensor, nn

from resnetzoo.errors import UsageError
from resnetzoo.models.as_built import AsBuilt
from resnetzoo.models.cifar_net import CifarNet
from resnetzoo.models.wrappers import zoo_network
from resnetzoo.utils.modules import check_values, copy_of, in_mode

_LAYERS = (nn.Conv2d, nn.Linear)

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


def layer_weights(network: CifarNet) -> dict[str, Tensor]:
    """Weights of convolutions and classifier by layer, in the order of the forward pass; projections follow their F.

    A module of another class counts as such a layer where the network was built with one, if it holds a `weight`.

    Raises:
        UsageError: such a module has parameters, but no `weight`.
    """
    weights: dict[str, Tensor] = {}
    places = {*(conv.conv for conv in network.spec.all_convs()), "fc"}
    for name, module in network.named_modules():
        if isinstance(module, _LAYERS):
            weights[name] = module.weight
        elif name in places and _is_layer_itself(module):
            weights[name] = _own_weight(name, module)
    return weights


def _is_layer_itself(module: nn.Module) -> bool:
    """Whether it has parameters, and no module of torch's classes in it that would be measured in its place."""
    has_parameters = any(True for _ in module.parameters())
    return has_parameters and not any(isinstance(inner, _LAYERS) for inner in module.modules())


def _own_weight(name: str, module: nn.Module) -> Tensor:
    weight = getattr(module, "weight", None)
    if not isinstance(weight, Tensor) or weight.dim() < 2 or "weight" in dict(module.named_buffers(recurse=False)):
        raise UsageError(
            f"{name} is of the class {type(module).__name__}, which has parameters, but no matrix or filters that are "
            f"its own parameter weight, which would be measured: make them {name}.weight"
        )
    return weight


def watch_responses(twin: CifarNet, hook: TensorHook) -> None:
    """Call `hook` with the response of each 3x3 convolution, under the convolution's name."""
    convs = twin.spec.all_convs()
    _watch(twin, {conv.response: conv.conv for conv in convs if conv.response is not None}, hook)


def watch_shortcuts(twin: CifarNet, hook: TensorHook) -> None:
    """Call `hook` with the output of each block's shortcut, under the block's name.

    Raises:
        UsageError: the network is plain.
    """
    if not twin.spec.has_shortcuts:
        raise UsageError(
            f"{twin.spec.label} is {twin.spec.family} and has no shortcuts; use a residual network, such as resnet20"
        )
    _watch(twin, {f"{block.name}.downsample": block.name for block in twin.spec.blocks()}, hook)


def watch_branches(twin: CifarNet, hook: TensorHook) -> None:
    """Call `hook` with the output of each block's F, under the block's name."""
    _watch(twin, {f"{block.name}.{twin.spec.last_layer}": block.name for block in twin.spec.blocks()}, hook)


def watch_outputs(twin: CifarNet, hook: TensorHook) -> None:
    """Call `hook` with the input of the first block, as `stem`, and with each block's output, under its name."""
    for module, measure in _measures(twin, {twin.spec.stages[0].name: "stem"}, hook):
        module.register_forward_pre_hook(lambda _, inputs, measure=measure: measure(inputs[0]))
    _watch(twin, {block.name: block.name for block in twin.spec.blocks()}, hook)


def _module(network: CifarNet, name: str) -> nn.Module:
    try:
        return network.get_submodule(name)
    except AttributeError:
        raise UsageError(
            f"nothing was measured at {name}: the network was changed after it was built as a {network.spec.label}; "
            "analysis needs networks as create and load_checkpoint return them"
        ) from None


def _watch(twin: CifarNet, names: Mapping[str, str], hook: TensorHook) -> None:
    """Call `hook` with the output of each module in `names`, under the name that it has there."""
    for module, measure in _measures(twin, names, hook):
        module.register_forward_hook(lambda module, inputs, output, measure=measure: measure(output))


def _measures(
    twin: CifarNet, names: Mapping[str, str], hook: TensorHook
) -> Iterator[tuple[nn.Module, Callable[[Tensor], None]]]:
    """Each module in `names`, once, with what to call with its tensor each time that it is called in a forward pass.

    A module that stands in several places, such as a block whose weights the next one shares, is called once for each
    of them in a forward pass, in the order in which networks are built.
    """
    as_built = AsBuilt(twin)
    places: dict[nn.Module, list[str]] = {_module(twin, name): [] for name in names}
    for name in as_built.built:
        if (module := as_built.found.get(name)) in places:
            places[module].append(name)
    for module, those in places.items():
        yield module, _in_turn(those, names, hook)


def _in_turn(places: Sequence[str], names: Mapping[str, str], hook: TensorHook) -> Callable[[Tensor], None]:
    """What to call with the tensor of a module that is called in these places in turn; `names` are measured."""
    turns = cycle(places)

    def measure(tensor: Tensor) -> None:
        place = next(turns)
        if place in names:
            hook(names[place], tensor)

    return measure
