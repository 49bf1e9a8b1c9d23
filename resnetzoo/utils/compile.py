"""A network turned into machine code for one input: its shape, strides, type and device."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn

from resnetzoo.utils.compile_gate import GATE
from resnetzoo.utils.text import first_line

Forward = Callable[[Tensor], Tensor]
Function = TypeVar("Function", bound=Callable[..., object])

# On a CPU the code that calls the kernels is C++ as well: at batch 1 the same in Python takes a third of the time. On a
# GPU the compiler's own graphs may only be called by the thread that made them; `cuda_graph` records its code instead.
_OPTIONS: dict[str, dict[str, Any]] = {"cpu": {"cpp_wrapper": True}, "cuda": {"triton.cudagraphs": False}}


def compile_for(example: Tensor, network: nn.Module, *, freeze: bool) -> Forward | None:
    """`network` compiled for inputs like `example`, to be called with no others and without gradients, by any thread.

    Other threads' compilations and calls wait at the gate. The weights are read now; later changes to them may have no
    effect. Where compiling fails, most often for want of a C++ compiler, a warning says so, and there is None.

    Args:
        example: what an input will be like, in shape, strides, type and device.
        network: one tensor in, one tensor out.
        freeze: turn the weights into constants, laid out once as the kernels want them.
    """
    from torch._inductor import config  # seconds to import

    def forward(inputs: Tensor) -> Tensor:
        return cast(Tensor, network(inputs))

    compiled = torch.compile(with_own_code(forward), fullgraph=True, dynamic=False, options=_options(example.device))
    try:
        # As an option of `compile` it would reach the compiler but not the tracer, and nothing would be frozen.
        with GATE.compilation(), config.patch(freezing=freeze), deprecations_of_torch_ignored():
            compiled(example)
    except Exception as error:  # whatever the compiler stumbles over, the network runs without it
        cure = "install a C++ compiler with Python's headers, or say compile=False"
        if isinstance(error, torch._dynamo.exc.Unsupported):  # something in a module or hook that is not the zoo's
            cure = "say compile=False"
        warnings.warn(
            f"the network runs uncompiled, since compiling it failed ({first_line(error)}): {cure}",
            stacklevel=3,
        )
        return None
    return cast(Forward, compiled)


@contextmanager
def deprecations_of_torch_ignored() -> Iterator[None]:
    """While torch compiles, what it still uses and deprecates itself is no error, even where warnings are.

    torch 2.6 and 2.11 instantiate `autograd.Function` as they trace one, and warn of that.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"torch\.")
        yield


def _options(device: torch.device) -> dict[str, Any] | None:
    options = dict(_OPTIONS.get(device.type, {}))
    # The input is always like the example, so the tenth of a millisecond that asking each time takes is saved, where
    # this release of torch can leave it out.
    if hasattr(torch.compiler, "skip_all_guards_unsafe"):
        options["guard_filter_fn"] = torch.compiler.skip_all_guards_unsafe
    return options or None


def with_own_code(function: Function) -> Function:
    """A copy of `function`, written in Python, with a code object of its own.

    torch keeps what it compiled by code object, and stops at its recompile limit; a copy shares neither with another.
    """
    made = cast(FunctionType, function)
    own = FunctionType(made.__code__.replace(), made.__globals__, argdefs=made.__defaults__, closure=made.__closure__)
    return cast(Function, own)
