"""Compile a network for one kind of input: its shape, strides, type and device."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from types import FunctionType
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn

from resnetzoo.utils.compile_gate import GATE
from resnetzoo.utils.text import first_line

Forward = Callable[[Tensor], Tensor]
Function = TypeVar("Function", bound=Callable[..., object])

# On a CPU the code that calls the kernels is C++ as well: in Python it would take a third of the time at batch 1. On a
# GPU only the thread that created the compiler's own graphs may call them, so `cuda_graph` records its code instead.
_OPTIONS: dict[str, dict[str, Any]] = {"cpu": {"cpp_wrapper": True}, "cuda": {"triton.cudagraphs": False}}


def compile_for(example: Tensor, network: nn.Module, *, freeze: bool) -> Forward | None:
    """`network` compiled for inputs like `example` only, to be called without gradients, by any thread.

    Other threads' compilations and calls wait at the gate. The weights are read now; later changes to them may have no
    effect. If compilation fails, most often because there is no C++ compiler, a warning says so and the result is None.

    Args:
        example: an input with the shape, strides, type and device of later inputs.
        network: takes one tensor and returns one tensor.
        freeze: turn the weights into constants, in the memory layout that the kernels prefer.
    """
    from torch._inductor import config  # seconds to import

    def forward(inputs: Tensor) -> Tensor:
        return cast(Tensor, network(inputs))

    # With `fullgraph=True`, torch 2.14 counts the compiled frames of every call in one number for all threads: calls
    # that overlap fail. So only the first call checks that one graph holds everything, if torch can do that.
    first = getattr(torch._dynamo, "error_on_graph_break", None)
    with warnings_of_torch_ignored():  # the first call of all imports the compiler
        compiled = torch.compile(
            with_own_code(forward), fullgraph=first is None, dynamic=False, options=_options(example.device)
        )
    checking = nullcontext() if first is None else first(True)
    try:
        # As an option of `compile` it would reach the compiler but not the tracer, and nothing would be frozen.
        with GATE.compilation(), config.patch(freezing=freeze), checking, warnings_of_torch_ignored():
            compiled(example)
    except Exception as error:  # whatever error the compiler raises, the network runs without it
        cure = "install a C++ compiler with Python's headers, or pass compile=False"
        if isinstance(error, torch._dynamo.exc.Unsupported):  # something in a module or hook that is not the zoo's
            cure = "pass compile=False"
        warnings.warn(
            f"the network runs uncompiled, because compiling it failed ({first_line(error)}): {cure}",
            stacklevel=3,
        )
        return None
    return cast(Forward, compiled)


@contextmanager
def warnings_of_torch_ignored() -> Iterator[None]:
    """A block in which two kinds of warnings that torch's compiler gives are neither shown nor errors.

    When torch 2.6 and 2.11 trace an `autograd.Function`, they instantiate it and then warn that this is deprecated. On
    CUDA they also recommend TF32 for fp32, which the zoo leaves off so that fp32 stays fp32.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"torch\.")
        warnings.filterwarnings("ignore", message="TensorFloat32 tensor cores", category=UserWarning)
        yield


def _options(device: torch.device) -> dict[str, Any] | None:
    options = dict(_OPTIONS.get(device.type, {}))
    # Every input is like the example, so where this release of torch can leave out the check of each input, a tenth of
    # a millisecond is saved.
    if hasattr(torch.compiler, "skip_all_guards_unsafe"):
        options["guard_filter_fn"] = torch.compiler.skip_all_guards_unsafe
    return options or None


def with_own_code(function: Function) -> Function:
    """A copy of the Python function `function` with its own code object.

    torch stores compiled code, and counts towards its recompile limit, per code object; copies share neither.
    """
    made = cast(FunctionType, function)
    own = FunctionType(made.__code__.replace(), made.__globals__, argdefs=made.__defaults__, closure=made.__closure__)
    return cast(Function, own)
