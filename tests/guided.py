"""The gradient rules of explanations, written by hand: what the tools that apply them by hooks are compared with."""

from typing import Any

import torch
from torch import Tensor


class Guided(torch.autograd.Function):
    """relu(x), whose gradient passes where both x and the gradient are positive (arXiv:1412.6806, section 3.4)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return grad.clamp(min=0) * (x > 0)


class Rescaled(torch.autograd.Function):
    """relu(x) of inputs and their references, stacked: its multiplier is the slope between the two (arXiv:1704.02685).

    Where the two are equal up to `TINY`, it is the gradient.
    """

    TINY = 1e-10

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        found, reference = x.chunk(2)
        step = found - reference
        slope = (found.clamp(min=0) - reference.clamp(min=0)) / step
        slope = torch.where(step.abs() < Rescaled.TINY, (found > 0).to(x.dtype), slope)
        return grad * torch.cat([slope, slope])
