"""Batch norm for training as two sums over the batch, which a compiler vectorizes and several processes can add up.

The formulas are those of algorithm 1 in arXiv:1502.03167. torch computes mean and variance in one numerically careful
pass. Here each channel's x - k and (x - k)^2 are summed, where k is the running mean so far, so that the variance loses
no digits when the two are subtracted. Compiled for a CPU, torch's pass is three times slower than the sums, and a ReLU
mask stored as bool is thirty times slower than the same mask derived again from the output.

Shapes: x (N, C, H, W), any layout -> y like x. Sums and statistics are (C,), in fp32 if x is in bf16.
"""

from collections.abc import Callable
from itertools import chain
from typing import Any, cast

import torch
from torch import Tensor, nn

from resnetzoo.utils.device import at_least_fp32
from resnetzoo.utils.modules import copy_of

Reduce = Callable[[Tensor], Tensor]
"""Adds up a tensor of sums over every process that holds a part of the batch."""


class SummedBatchNorm2d(nn.BatchNorm2d):
    """`nn.BatchNorm2d` that uses the sums above in training; evaluation and state dict are those of the base class.

    Attributes:
        reduce: adds up the sums of all processes, so that the statistics are those of the global batch; None with a
            single process.
    """

    reduce: Reduce | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Normalize, scale and shift x (N, C, H, W); the result is like x."""
        if not self.training:
            return super().forward(x)
        running_mean, running_var = cast(Tensor, self.running_mean), cast(Tensor, self.running_var)
        outputs: tuple[Tensor, Tensor, Tensor, Tensor | int] = _SummedNorm.apply(
            x, self.weight, self.bias, running_mean, self.eps, self.reduce
        )
        y, mean, variance, count = outputs
        with torch.no_grad():
            momentum = cast(float, self.momentum)
            cast(Tensor, self.num_batches_tracked).add_(1)
            running_mean.lerp_(mean, momentum)
            running_var.lerp_(variance * (count / (count - 1)), momentum)  # unbiased, as in torch
        return y


def can_be_summed(module: nn.Module) -> bool:
    """Whether `SummedBatchNorm2d` computes the same as this module."""
    usual = type(module) is nn.BatchNorm2d and module.affine and module.track_running_stats
    return usual and module.momentum is not None


def with_summed_batchnorm(model: nn.Module, reduce: Reduce | None = None) -> nn.Module:
    """A twin of `model` that shares its parameters and buffers, with `SummedBatchNorm2d` instead of `nn.BatchNorm2d`.

    Norms without running statistics, without weight and bias, or with a cumulative average stay as they are.
    """
    twin = copy_of(model, chain(model.parameters(), model.buffers()))
    for module in twin.modules():
        if can_be_summed(module):
            module.__class__ = SummedBatchNorm2d
            cast(SummedBatchNorm2d, module).reduce = reduce
    return twin


class _SummedNorm(torch.autograd.Function):
    """y = (x - mean) / sqrt(variance + eps) * weight + bias, with the gradient through the statistics (algorithm 1).

    Values that are the same for all pixels of a channel are computed once and stored, since a compiler that fuses them
    into the loop over the pixels would compute them again for each one.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, running_mean: Tensor, eps: float, reduce: Reduce | None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor | int]:
        centred = at_least_fp32(x) - _per_channel(running_mean)
        total, squares = _channel_sums(centred), _channel_sums(centred.square())
        values = x.shape[0] * x.shape[2] * x.shape[3]  # per channel, in this process
        count: Tensor | int = values
        if reduce is not None:
            parts = reduce(torch.cat([total, squares, total.new_full((1,), values)]))
            total, squares, count = torch.split(parts, [len(weight), len(weight), 1])
        offset = total / count
        mean = running_mean + offset
        variance = (squares / count - offset.square()).clamp(min=0)
        inv_std = torch.rsqrt(variance + eps)
        weight_over_std = inv_std * weight
        ctx.save_for_backward(x, mean, inv_std, weight_over_std, inv_std.square() / count, weight_over_std / count)
        ctx.reduce = reduce
        y = at_least_fp32(x) * _per_channel(weight_over_std) + _per_channel(bias - mean * weight_over_std)
        return _in_dtype(y, x.dtype), mean, variance, count

    @staticmethod
    def backward(ctx: Any, grad: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
        x, mean, inv_std, weight_over_std, var_grad_scale, mean_grad_scale = ctx.saved_tensors
        g, centred = at_least_fp32(grad), at_least_fp32(x) - _per_channel(mean)
        grad_bias = total = _channel_sums(g)
        dot = _channel_sums(g * centred)
        grad_weight = dot * inv_std
        if ctx.reduce is not None:
            total, dot = ctx.reduce(torch.cat([total, dot])).chunk(2)
        grad_x = (g - centred * _per_channel(var_grad_scale * dot)) * _per_channel(weight_over_std) - _per_channel(
            mean_grad_scale * total
        )
        return _in_dtype(grad_x, x.dtype), grad_weight, grad_bias, None, None, None


def _channel_sums(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (C,), summed image by image, so that each core works on separate images."""
    return x.sum((2, 3)).sum(0)


def _in_dtype(x: Tensor, dtype: torch.dtype) -> Tensor:
    """`x` in this dtype. When torch 2.11 compiles a conversion that changes nothing, the gradients are lost."""
    return x if x.dtype == dtype else x.to(dtype)


def _per_channel(values: Tensor) -> Tensor:
    """(C,) -> (C, 1, 1)."""
    return values[:, None, None]
