"""The forward pass compiled for each shape of input."""

from typing import Any

import torch
from torch import Tensor

from resnetzoo.inference.forward import ByShape, PlainForward
from resnetzoo.inference.not_finite import NotFiniteStays
from resnetzoo.inference.quantize import Int8Net
from resnetzoo.utils.compile import Forward, compile_for
from resnetzoo.utils.compile_gate import GATE


class CompiledForward:
    """Compiles for each new input shape; shapes beyond the limit, or that fail to compile, run uncompiled.

    Args:
        plain: the forward pass of the network as it is; the weights become part of the compiled code.
        only: the one input shape to compile for; None for the first eight shapes.
    """

    def __init__(self, plain: PlainForward, *, only: torch.Size | None) -> None:
        self._plain = plain
        self._only = only
        self.compiled: ByShape[Forward] = ByShape(self._compile, only)

    def __call__(self, images: Tensor) -> Tensor:
        inputs = self._plain.inputs_of(images)
        forward = self.compiled.get(inputs) or self._plain.network
        with GATE.call():
            logits: Tensor = forward(inputs)
        return logits.float()

    def prepare(self, images: Tensor) -> None:
        """Compile for images of this shape."""
        self.compiled.get(self._plain.inputs_of(images))

    def __getstate__(self) -> dict[str, Any]:
        """Compiled code belongs to a process: a copy compiles again."""
        return {name: value for name, value in vars(self).items() if name != "compiled"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.compiled = ByShape(self._compile, self._only)

    def _compile(self, inputs: Tensor) -> Forward | None:
        # Freezing does not support the 8-bit kernels, which overwrite an input; their weights have the right layout.
        network, int8 = self._plain.network, isinstance(self._plain.network, Int8Net)
        if inputs.device.type == "cpu" and not int8:
            network = NotFiniteStays(network)
        return compile_for(inputs, network, freeze=not int8)
