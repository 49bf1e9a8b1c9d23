"""A network in 8-bit integers: weights on a scale for each output channel, activations on one measured for each tensor.

A real number r stands as the integer q = round(r / scale) + zero_point, from 0 to 255, and beyond these at the end.
Source: arXiv:1712.05877, sections 2.1 to 2.4; the arithmetic is oneDNN's, of 8-bit products summed in 32 bits.
"""

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's standard name)

from resnetzoo.errors import UsageError
from resnetzoo.models.cifar_net import CifarNet


class Grid(NamedTuple):
    """The real numbers that 0 to 255 stand for in one tensor."""

    scale: float
    zero_point: int

    @classmethod
    def of(cls, values: Tensor) -> "Grid":
        """The finest grid that holds all of `values`, and zero exactly."""
        low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
        scale = (high - low) / 255 or 1.0
        return cls(scale, round(-low / scale))


class Int8Conv(nn.Module):
    """A convolution with bias, then relu if `relu`: uint8 (N, C, H, W) on one grid -> uint8 on another.

    Args:
        conv: the convolution in float32.
        example: its input in float32; the kernel's layout of the weights depends on the shape.
        source: the grid of the input.
        target: the grid of the output.
        relu: whether negative outputs become zero.
    """

    def __init__(self, conv: nn.Conv2d, example: Tensor, source: Grid, target: Grid, *, relu: bool) -> None:
        super().__init__()
        self.source, self.target = source, target
        self.activation = "relu" if relu else "none"
        self.stride, self.padding = list(conv.stride), [int(side) for side in conv.padding]
        largest = conv.weight.abs().amax(dim=(1, 2, 3)).clamp(min=1e-12)  # (out,)
        self.scales = largest / 127
        weight = (conv.weight / self.scales[:, None, None, None]).round().to(torch.int8)
        self.zero_points = torch.zeros(len(weight), dtype=torch.int32)
        self.bias = cast(Tensor, conv.bias)
        self.weight = torch.ops.onednn.qconv_prepack(
            weight, self.scales, *source, self.stride, self.padding, [1, 1], 1, list(example.shape)
        )

    def forward(self, x: Tensor) -> Tensor:
        return cast(
            Tensor,
            torch.ops.onednn.qconv2d_pointwise(
                *(x, *self.source, self.weight, self.scales, self.zero_points, self.bias),
                *(self.stride, self.padding, [1, 1], 1, *self.target, torch.uint8, self.activation, [], ""),
            ),
        )

    def add_to(self, shortcut: Tensor, grid: Grid, x: Tensor) -> Tensor:
        """relu(conv(x) + shortcut), written over `shortcut`, uint8 on `grid`."""
        return cast(
            Tensor,
            torch.ops.onednn.qconv2d_pointwise.binary(
                *(x, *self.source, self.weight, self.scales, self.zero_points, shortcut, self.bias),
                *(self.stride, self.padding, [1, 1], 1, *self.target, torch.uint8),
                *(*grid, "sum", 1.0, self.activation, [], ""),
            ),
        )


class Int8Block(nn.Module):
    """A plain, residual or bottleneck block, uint8 -> uint8; the shortcut is added by the last convolution.

    Args:
        block: the block, folded, in float32.
        x: its input in float32.
        source: the grid of `x`.
    """

    def __init__(self, block: nn.Module, x: Tensor, source: Grid) -> None:
        super().__init__()
        convs = [conv for name, conv in block.named_children() if name.startswith("conv")]
        self.branch = nn.Sequential()
        grid, y = source, x
        for conv in convs[:-1]:
            outputs = F.relu(conv(y))
            self.branch.append(Int8Conv(cast(nn.Conv2d, conv), y, grid, Grid.of(outputs), relu=True))
            grid, y = Grid.of(outputs), outputs
        self.target = Grid.of(block(x))
        self.last = Int8Conv(cast(nn.Conv2d, convs[-1]), y, grid, self.target, relu=True)

        self.shortcut = getattr(block, "downsample", None)
        self.shortcut_grid = source
        if isinstance(self.shortcut, nn.Sequential):
            projection = cast(nn.Conv2d, self.shortcut[0])
            self.shortcut_grid = Grid.of(projection(x))
            self.shortcut = Int8Conv(projection, x, source, self.shortcut_grid, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.branch(x)
        if self.shortcut is None:
            return cast(Tensor, self.last(y))
        shortcut = self.shortcut(x).contiguous(memory_format=torch.channels_last)
        return self.last.add_to(shortcut, self.shortcut_grid, y)


class Int8Net(nn.Module):
    """A plain or residual network: images (N, in_chans, H, W), float32 -> logits (N, num_classes), float32.

    Args:
        network: the network, folded.
        images: float32 (N, in_chans, H, W), normalized, on which the grids are measured.

    Raises:
        UsageError: a pre-activation network.
    """

    def __init__(self, network: CifarNet, images: Tensor) -> None:
        super().__init__()
        if network.preactivation:
            raise UsageError(
                'int8 takes plain and residual networks: pre-activation ones keep norms; use precision="bf16"'
            )
        with torch.no_grad():
            self.source = Grid.of(images)
            x = F.relu(network.conv1(images))
            grid = Grid.of(x)
            self.stem = Int8Conv(network.conv1, images, self.source, grid, relu=True)
            self.blocks = nn.Sequential()
            for stage in (network.layer1, network.layer2, network.layer3):
                for block in stage:
                    quantized = Int8Block(block, x, grid)
                    self.blocks.append(quantized)
                    x, grid = block(x), quantized.target
        self.last_grid = grid
        self.fc = network.fc

    def forward(self, images: Tensor) -> Tensor:
        scale, zero_point = self.source
        x = (images / scale + zero_point).round().clamp(0, 255).to(torch.uint8)
        x = self.blocks(self.stem(x.contiguous(memory_format=torch.channels_last)))
        pooled = x.float().mean(dim=(2, 3)) * self.last_grid.scale  # its zero point is 0, as after every relu
        return cast(Tensor, self.fc(pooled))
