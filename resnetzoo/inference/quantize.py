"""A network in 8-bit integers: one weight scale per output channel, and one measured activation scale per tensor.

An activation r is stored as the integer q = round(r / scale) + zero_point, clamped to 0 to 255.
Source: arXiv:1712.05877, sections 2.1 to 2.4; the arithmetic is oneDNN's, with 8-bit products summed in 32 bits.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's standard name)
from torch.torch_version import TorchVersion

from resnetzoo.errors import UsageError
from resnetzoo.inference.fuse import lacks_statistics
from resnetzoo.inference.not_finite import not_finite_stays
from resnetzoo.models.as_built import AsBuilt
from resnetzoo.models.cifar_net import CifarNet
from resnetzoo.utils.fp32 import computing
from resnetzoo.utils.modules import with_plain_weights


def compiles_int8() -> bool:
    """Whether this torch can compile `Int8Net`: torch 2.6 traces its convolutions only if their outputs are floats."""
    return TorchVersion(torch.__version__) >= "2.7"


class QParams(NamedTuple):
    """Scale and zero point of one tensor, which determine the real numbers that 0 to 255 represent."""

    scale: float
    zero_point: int

    @classmethod
    def of(cls, values: Tensor) -> "QParams":
        """The finest scale that covers all of `values` and represents zero exactly."""
        low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
        scale = (high - low) / 255 or 1.0
        return cls(scale, round(-low / scale))


class Int8Conv(nn.Module):
    """A convolution with bias, then relu if `relu`: uint8 (N, C, H, W) -> uint8.

    Args:
        conv: the convolution in float32.
        example: its input in float32; the kernel's layout of the weights depends on the input's shape.
        source: scale and zero point of the input.
        target: scale and zero point of the output.
        relu: whether negative outputs become zero.
    """

    def __init__(self, conv: nn.Conv2d, example: Tensor, source: QParams, target: QParams, *, relu: bool) -> None:
        super().__init__()
        self.source, self.target = source, target
        self.activation = "relu" if relu else "none"
        self.stride, self.padding = list(conv.stride), [int(side) for side in conv.padding]
        self.groups = conv.groups
        largest = conv.weight.abs().amax(dim=(1, 2, 3)).clamp(min=1e-12)  # (out,)
        self.scales = largest / 127
        self.weight = (conv.weight / self.scales[:, None, None, None]).round().to(torch.int8)
        self.zero_points = torch.zeros(len(self.weight), dtype=torch.int32, device=self.weight.device)
        self.bias = cast(Tensor, conv.bias)
        self.input_shape = list(example.shape)
        self.packed = self._packed()

    def _packed(self) -> Tensor:
        """The weights in the layout of the kernel; this tensor can be neither copied nor written to a file."""
        packed: Tensor = torch.ops.onednn.qconv_prepack(
            *(self.weight, self.scales, *self.source, self.stride, self.padding, [1, 1], self.groups, self.input_shape)
        )
        return packed

    def __getstate__(self) -> dict[str, Any]:
        """The state without packed weights; copies and loaded files pack the weights again."""
        state: dict[str, Any] = super().__getstate__()  # type: ignore[no-untyped-call]
        return {name: value for name, value in state.items() if name != "packed"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self.packed = self._packed()

    def forward(self, x: Tensor) -> Tensor:
        return cast(
            Tensor,
            torch.ops.onednn.qconv2d_pointwise(
                *(x, *self.source, self.packed, self.scales, self.zero_points, self.bias),
                *(self.stride, self.padding, [1, 1], self.groups, *self.target, torch.uint8, self.activation, [], ""),
            ),
        )

    def add_to(self, shortcut: Tensor, shortcut_qparams: QParams, x: Tensor) -> Tensor:
        """relu(conv(x) + shortcut), written over `shortcut`, which is uint8 with scale and zero point."""
        return cast(
            Tensor,
            torch.ops.onednn.qconv2d_pointwise.binary(
                *(x, *self.source, self.packed, self.scales, self.zero_points, shortcut, self.bias),
                *(self.stride, self.padding, [1, 1], self.groups, *self.target, torch.uint8),
                *(*shortcut_qparams, "sum", 1.0, self.activation, [], ""),
            ),
        )


class Int8Block(nn.Module):
    """relu(F(x)) or relu(F(x) + shortcut(x)), uint8 -> uint8; the shortcut is added by the last convolution of F.

    Args:
        block: the block, fused, in float32.
        convs: the names of the convolutions of F inside it; each but the last is followed by a relu.
        projection: the name of the convolution on its shortcut; None without one.
        x: the block's input in float32.
        source: scale and zero point of `x`.
    """

    def __init__(
        self, block: nn.Module, convs: Sequence[str], projection: str | None, x: Tensor, source: QParams
    ) -> None:
        super().__init__()
        *inner, last = (cast(nn.Conv2d, block.get_submodule(name)) for name in convs)
        self.branch = nn.Sequential()
        qparams, y = source, x
        for conv in inner:
            outputs = F.relu(conv(y))
            self.branch.append(Int8Conv(conv, y, qparams, QParams.of(outputs), relu=True))
            qparams, y = QParams.of(outputs), outputs
        self.target = QParams.of(block(x))
        self.last = Int8Conv(last, y, qparams, self.target, relu=True)

        self.shortcut = getattr(block, "downsample", None)
        self.shortcut_qparams = source
        if projection is not None:
            conv = cast(nn.Conv2d, block.get_submodule(projection))
            self.shortcut_qparams = QParams.of(conv(x))
            self.shortcut = Int8Conv(conv, x, source, self.shortcut_qparams, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.branch(x)
        if self.shortcut is None:
            return cast(Tensor, self.last(y))
        shortcut = self.shortcut(x).contiguous(memory_format=torch.channels_last)
        if shortcut is x and not torch.compiler.is_compiling():  # hooks may have kept this input of the block
            shortcut = shortcut.clone()
        return self.last.add_to(shortcut, self.shortcut_qparams, y)


def check_int8(network: CifarNet) -> None:
    """Refuse networks that 8-bit kernels cannot compute; the kernels replace all modules except the classifier.

    Args:
        network: the network before fusion, with its norms.

    Raises:
        UsageError: it cannot be computed; the message names the reason or the module, and says what to do.
    """
    if network.spec.norm_first:
        raise UsageError(
            "int8 is for plain and residual networks; pre-activation networks have norms that cannot be folded: use "
            'precision="bf16"'
        )
    if network.spec.norm != "batch":
        raise UsageError(
            f"int8 needs batch norm, which is folded into the weights, but {network.spec.norm} norm is computed for "
            'each image and cannot be folded; use precision="bf16" or "fp32", or train ModelSpec(..., norm="batch")'
        )
    as_built = AsBuilt(network)
    changes = {name: words for name, words in as_built.changes().items() if name != "fc"}
    for name, module in as_built.found.items():
        if name in as_built.built and lacks_statistics(module):
            changes[name] = "has no running statistics"
        if type(module) is nn.Conv2d and name in as_built.built and not _is_usual(module):
            changes[name] = "has dilation, or padding other than zeros on all sides"
    changes |= _other_ends(network, as_built)
    for name, words in changes.items():
        raise UsageError(
            f"int8 needs networks as resnetzoo builds them, but {name or 'the network'} {words}: use "
            'precision="bf16" or "fp32", which run it as it is'
        )


def _other_ends(network: CifarNet, as_built: AsBuilt) -> dict[str, str]:
    """How the network differs from the stages and the global average pooling that `Int8Net` computes, by module."""
    others = {
        name: words for name in ("", "avgpool") if name in as_built.found if (words := as_built.other_settings(name))
    }
    if getattr(network, "global_pool", "avg") != "avg":  # as timm's interface names it
        others[""] = 'returns feature maps (global_pool="")'
    return others


def _is_usual(conv: nn.Conv2d) -> bool:
    return conv.dilation == (1, 1) and conv.padding_mode == "zeros" and not isinstance(conv.padding, str)


class Int8Net(nn.Module):
    """A plain or residual network: images (N, in_chans, H, W), float32 -> logits (N, num_classes), float32.

    Args:
        network: the fused form of a network that `check_int8` accepts.
        images: normalized float32 images (N, in_chans, H, W), from which scales and zero points are measured.
    """

    def __init__(self, network: CifarNet, images: Tensor) -> None:
        super().__init__()
        spec = network.spec
        with torch.no_grad(), computing(images.device):
            self.source = QParams.of(images)
            x = F.relu(network.conv1(images))
            qparams = QParams.of(x)
            self.stem = Int8Conv(network.conv1, images, self.source, qparams, relu=True)
            self.blocks = nn.Sequential()
            for shape in spec.blocks():
                block, projection = network.get_submodule(shape.name), spec.projection(shape)
                convs = [conv.conv for conv in spec.convs(shape)]
                quantized = Int8Block(block, convs, projection and projection.conv, x, qparams)
                self.blocks.append(quantized)
                x, qparams = block(x), quantized.target
        self.last_qparams = qparams
        self.fc = with_plain_weights(network.fc)  # of a copy, whose weights do not change

    def forward(self, images: Tensor) -> Tensor:
        scale, zero_point = self.source
        x = (images / scale + zero_point).round().clamp(0, 255).to(torch.uint8)
        x = self.blocks(self.stem(x.contiguous(memory_format=torch.channels_last)))
        pooled = x.float().mean(dim=(2, 3)) * self.last_qparams.scale  # its zero point is 0, as after every relu
        return not_finite_stays(cast(Tensor, self.fc(pooled)), images)  # integers cannot be NaN
