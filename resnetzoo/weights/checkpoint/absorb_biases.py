"""Convert weights whose convolutions have biases to a network without biases: batch norms absorb them.

A norm subtracts the mean from its input, so a bias before it has the same effect as a mean that is smaller by that
bias. In pre-activation networks the biases of the last convolutions of the blocks add up from block to block, and each
norm on the way absorbs their sum. Networks here have no such biases (arXiv:1502.03167, section 3.2).
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from resnetzoo.models.cifar_net import without_values
from resnetzoo.models.shapes import ConvShape
from resnetzoo.models.spec import ModelSpec

State = dict[str, Tensor]


def absorb_biases(spec: ModelSpec, weights: Mapping[str, Tensor]) -> State:
    """The weights of `spec` without convolution biases, which compute the same outputs in both modes.

    If a bias, or what it affects, has another shape or is missing, all biases stay, and later checks refuse them.
    """
    absorbed = dict(weights)
    biases = {_bias_name(conv): (conv.out_chans,) for conv in spec.all_convs() if _bias_name(conv) in weights}
    if not biases or not all(_is_of_shape(weights, name, shape) for name, shape in {**_shapes(spec), **biases}.items()):
        return absorbed
    (_absorb_along_the_path if spec.norm_first else _absorb_behind)(spec, absorbed)
    return absorbed


def _absorb_behind(spec: ModelSpec, weights: State) -> None:
    """For networks in which a norm follows each convolution."""
    for conv in spec.all_convs():
        if conv.norm is not None:
            _lower_mean(conv.norm, _take_bias(conv, weights), weights)


def _absorb_along_the_path(spec: ModelSpec, weights: State) -> None:
    """For networks in which norms precede convolutions; `offset` is what the skip path lacks without the biases."""
    offset = _take_bias(spec.stem, weights)
    for block in spec.blocks():
        arriving = offset
        bias = torch.zeros(())
        for number, conv in enumerate(spec.convs(block)):
            inside = conv.inside(block.name)
            _lower_mean(str(inside.norm), arriving if number == 0 else bias, weights)
            bias = _take_bias(inside, weights)
        projection = spec.projection(block)
        if projection is not None:
            shortcut = projection.inside(block.name)
            offset = _take_bias(shortcut, weights)
            if spec.projection_input == "raw":
                weight = weights[f"{shortcut.conv}.weight"].double().flatten(1)
                offset = offset + weight @ arriving.expand(block.in_chans)
        offset = offset + bias
    if spec.last_norm:
        _lower_mean("bn", offset, weights)
    elif {"fc.weight", "fc.bias"} <= weights.keys():
        moved = weights["fc.weight"].double() @ offset.expand(spec.num_features)
        weights["fc.bias"] = (weights["fc.bias"].double() + moved).to(weights["fc.bias"].dtype)


def _shapes(spec: ModelSpec) -> dict[str, tuple[int, ...]]:
    """Shapes of what absorbs biases: the means of norms, and the weights that a bias passes through on its way."""
    state = without_values(spec).state_dict()
    return {
        name: tuple(tensor.shape)
        for name, tensor in state.items()
        if name.endswith(("running_mean", "downsample.0.weight")) or (name.startswith("fc.") and not spec.last_norm)
    }


def _is_of_shape(weights: Mapping[str, Tensor], name: str, shape: tuple[int, ...]) -> bool:
    found = weights.get(name)
    if found is None:
        return name.startswith("fc.")  # a backbone has no classifier
    return tuple(found.shape) == shape and found.is_floating_point()


def _bias_name(conv: ConvShape) -> str:
    return f"{conv.conv}.bias"


def _take_bias(conv: ConvShape, weights: State) -> Tensor:
    """Remove the bias from the weights and return it, or zero if there is none."""
    return weights.pop(_bias_name(conv), torch.zeros(())).double()


def _lower_mean(norm: str, bias: Tensor, weights: State) -> None:
    name = f"{norm}.running_mean"
    weights[name] = (weights[name].double() - bias).to(weights[name].dtype)
