"""A network turned into machine code for batches of one shape, its weights frozen into it."""

import warnings
from collections.abc import Callable
from types import FunctionType
from typing import cast

import torch
from torch import Tensor, nn

Forward = Callable[[Tensor], Tensor]

# The weights become constants, laid out once as the kernels want them. On a CPU the code that calls the kernels is
# C++ as well: at batch 1 the Python that would do it takes a third of the time. On a GPU one CUDA graph replays all.
_OPTIONS: dict[str, dict[str, str | int | bool | Callable[..., object]]] = {
    "cpu": {"freezing": True, "cpp_wrapper": True},
    "cuda": {"freezing": True, "triton.cudagraphs": True},
}


def compile_frozen(network: nn.Module, example: Tensor) -> Forward | None:
    """`network` compiled for inputs of the shape, strides, type and device of `example`.

    Its weights are read now; later changes to them have no effect. Where compiling fails, most often for want of
    a C++ compiler, a warning says so, and there is None.
    """

    def forward(inputs: Tensor) -> Tensor:
        return cast(Tensor, network(inputs))

    # torch counts the compilations of each code object and stops at its recompile limit; a copy starts from none.
    own = FunctionType(forward.__code__.replace(), forward.__globals__, closure=forward.__closure__)
    compiled = torch.compile(own, fullgraph=True, dynamic=False, options=_OPTIONS.get(example.device.type))
    try:
        compiled(example)
    except Exception as error:  # whatever the compiler stumbles over, the network runs without it
        warnings.warn(
            f"the network runs uncompiled, since compiling it failed ({_first_line(error)}): install a C++ compiler "
            "with Python's headers, or say compile=False",
            stacklevel=3,
        )
        return None
    return cast(Forward, compiled)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
