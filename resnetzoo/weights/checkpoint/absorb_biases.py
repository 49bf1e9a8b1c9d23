"""Weights whose convolutions have biases, as those of the same network without: batch norms take them up.

A norm takes the mean off what comes in, so a bias before it is the same as a mean that is smaller by that bias. In
pre-activation networks the biases behind the last convolution of each block add up from block to block, until a norm
stands behind them. Networks here have no such biases (arXiv:1502.03167, section 3.2).
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from resnetzoo.models.shapes import ConvShape
from resnetzoo.models.spec import ModelSpec

State = dict[str, Tensor]


def absorb_biases(spec: ModelSpec, weights: Mapping[str, Tensor]) -> State:
    """The weights of `spec` without biases of convolutions, with which it computes the same in either mode.

    Where a norm has no running mean that could take one up, the bias stays, for others to refuse.
    """
    convs = list(spec.all_convs())
    if not any(_bias_name(conv) in weights for conv in convs):
        return dict(weights)
    absorbed = dict(weights)
    (_absorb_along_the_path if spec.norm_first else _absorb_behind)(spec, absorbed)
    return absorbed


def _absorb_behind(spec: ModelSpec, weights: State) -> None:
    """Where a norm stands behind each convolution."""
    for conv in spec.all_convs():
        if conv.norm is not None and _has_mean(conv.norm, weights):
            _lower_mean(conv.norm, _take_bias(conv, weights), weights)


def _absorb_along_the_path(spec: ModelSpec, weights: State) -> None:
    """Where norms stand before convolutions; `offset` is what the path from block to block lacks without biases."""
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
            through = weights[f"{shortcut.conv}.weight"].double().flatten(1) @ arriving.expand(block.in_chans)
            offset = _take_bias(shortcut, weights)
            offset = offset + through if spec.projection_input == "raw" else offset
        offset = offset + bias
    if spec.last_norm:
        _lower_mean("bn", offset, weights)
    elif "fc.weight" in weights:
        moved = weights["fc.weight"].double() @ offset.expand(spec.num_features)
        weights["fc.bias"] = (weights["fc.bias"].double() + moved).to(weights["fc.bias"].dtype)


def _bias_name(conv: ConvShape) -> str:
    return f"{conv.conv}.bias"


def _take_bias(conv: ConvShape, weights: State) -> Tensor:
    """The bias, no longer among the weights; a zero where there is none."""
    return weights.pop(_bias_name(conv), torch.zeros(())).double()


def _has_mean(norm: str, weights: Mapping[str, Tensor]) -> bool:
    return f"{norm}.running_mean" in weights


def _lower_mean(norm: str, bias: Tensor, weights: State) -> None:
    name = f"{norm}.running_mean"
    if name in weights:
        weights[name] = (weights[name].double() - bias).to(weights[name].dtype)
