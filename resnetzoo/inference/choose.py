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
    """Record the network on CUDA, also compiled if `compile` is True; compile it elsewhere; neither if it is False.

    A recording does not repeat what Python does, and it fails if Python waits for the device, so networks with unknown
    parts are not recorded.

    Args:
        plain: the forward pass of the network as it is.
        device: the device that the network is on.
        compile: as in `optimize`.
        only: the one input shape to compile or record for; None for the first eight shapes.
        open_stream: creates the stream that records on `device`.
    """
    if compile is False:
        return plain
    if device.type == "cuda" and has_only_known_parts(plain.network):
        return RecordedForward(plain, open_stream(device), compile=bool(compile), only=only)
    if device.type == "cuda" and compile is None:
        return plain
    return CompiledForward(plain, only=only)
