"""Batch norm that several processes share, as operations that no GPU has to be waited for."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from resnetzoo.training.batchnorm import Reduce, with_summed_batchnorm


class NoConstants(TorchDispatchMode):
    """Refuses tensors made of Python's values: on a GPU each is a copy from the host, which waits for it."""

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        assert str(func) != "aten.lift_fresh.default", "a constant from the host"
        return func(*args, **(kwargs or {}))


def forward_and_backward(reduce: Reduce) -> None:
    norm = with_summed_batchnorm(nn.BatchNorm2d(3), reduce).train()
    x = torch.randn(4, 3, 2, 2, requires_grad=True)
    grad = torch.randn(4, 3, 2, 2)
    with NoConstants():
        norm(x).backward(grad)
    assert x.grad is not None


def test_a_shared_norm_copies_nothing_from_the_host() -> None:
    said: list[tuple[int, ...]] = []

    def reduce(sums: Tensor) -> Tensor:
        said.append(tuple(sums.shape))
        return sums.clone()

    forward_and_backward(reduce)
    assert said == [(7,), (6,)]  # sums, squares and count, then two sums of the gradient


@pytest.mark.parametrize("shape", [(7,), (6,)], ids=["forward", "backward"])
def test_a_constant_from_the_host_is_found(shape: tuple[int, ...]) -> None:
    def reduce(sums: Tensor) -> Tensor:
        return sums * sums.new_tensor([1.0]) if sums.shape == shape else sums.clone()

    with pytest.raises(AssertionError, match="a constant from the host"):
        forward_and_backward(reduce)
