"""Choose the forward pass of an optimized network."""

from collections.abc import Callable

import torch

from resnetzoo.inference.compiled_forward import CompiledForward
from resnetzoo.inference.forward import ForwardPass, PlainForward
from resnetzoo.inference.recorded_forward import RecordedForward, Stream
from resnetzoo.models.as_built import has_only_known_parts
from resnetzoo.utils.cuda_graph import GraphStream


def choose_forward(
    plain: PlainForward,
    device: torch.device,
    *,
    compile: bool | None,  # noqa: A002 (as in `optimize`)
    only: torch.Size | None,
    open_stream: Callable[[torch.device], Stream] = GraphStream,
) -> ForwardPass:
    """On CUDA recorded, of compiled code where that is asked for; elsewhere compiled; neither if `compile` is False.

    A recording would repeat nothing of what Python does, and ends where Python waits for the device, so that networks
    with parts that are not known are not recorded.

    Args:
        plain: the network as it is.
        device: where it is.
        compile: as in `optimize`.
        only: the one shape of input to compile or record for; None for the first of them.
        open_stream: gives what records on `device`.
    """
    if compile is False:
        return plain
    if device.type == "cuda" and has_only_known_parts(plain.network):
        return RecordedForward(plain, open_stream(device), compile=bool(compile), only=only)
    if device.type == "cuda" and compile is None:
        return plain
    return CompiledForward(plain, only=only)
