"""The blocks as modules. Each docstring is the block's formula; F is its stack of convolutions.

Shapes: x (N, in_chans, H, W) -> y (N, out_chans, H/stride, W/stride), rounded up. The block's row in `types`
describes the convolutions; the modules here put them together.

Each activation is a separate `nn.ReLU`, called once in a forward pass: tools that watch or replace modules (backward
hooks, DeepLift, guided backpropagation) would confuse the calls of a shared one. The names are numbered in the order of
the pass, like those of the convolutions and norms and as in torchvision's quantizable blocks: `relu1`, `relu2`,
`relu3`. In residual blocks the last one comes after the sum. None works in place, so the output of each module is
unchanged at the end of the pass.
"""

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's standard name)

from resnetzoo.models.blocks import types
from resnetzoo.models.shapes import BlockShape, ConvShape, Norm
from resnetzoo.models.spec import ModelSpec


def conv2d(shape: ConvShape) -> nn.Conv2d:
    return nn.Conv2d(
        shape.in_chans,
        shape.out_chans,
        shape.kernel,
        stride=shape.stride,
        padding=shape.kernel // 2,
        groups=shape.groups,
        bias=False,
    )


def norm2d(shape: ConvShape) -> nn.Module:
    """The norm of a convolution, or the identity if it has none."""
    return nn.Identity() if shape.norm is None else norm_of(shape.norm_kind, shape.norm_chans)


def norm_of(kind: Norm, chans: int) -> nn.Module:
    """Batch norm, or group norm with as many groups, up to 32, as divide `chans`."""
    if kind == "batch":
        return nn.BatchNorm2d(chans)
    return nn.GroupNorm(max(groups for groups in range(1, 33) if chans % groups == 0), chans)


def dropout(spec: ModelSpec) -> nn.Module:
    """The dropout between the convolutions of a basic block, after the ReLU; the identity if the rate is 0."""
    return nn.Dropout(spec.drop_rate) if spec.drop_rate else nn.Identity()


class ZeroPadShortcut(nn.Module):
    """Option A: x at every `stride`-th row and column, with zero channels on both sides; no parameters.

    The paper does not say where the zeros go; published option-A weights were trained with half of them before the
    channels of x and half after.
    """

    def __init__(self, block: BlockShape) -> None:
        super().__init__()
        extra = block.out_chans - block.in_chans
        self.stride = block.stride
        self.front = extra // 2
        self.back = extra - extra // 2

    def forward(self, x: Tensor) -> Tensor:
        x = x[..., :: self.stride, :: self.stride]
        return F.pad(x, (0, 0, 0, 0, self.front, self.back))


def shortcut(spec: ModelSpec, block: BlockShape) -> nn.Module:
    """The shortcut of a block: the identity (A), or a 1x1 convolution (B, C; equation 2).

    If norms come first, the convolution has no norm after it, so that nothing else is on the shortcut path.
    """
    projection = spec.projection(block)
    if projection is None:
        return ZeroPadShortcut(block) if block.changes_shape else nn.Identity()
    if projection.norm is None:
        return nn.Sequential(conv2d(projection))
    return nn.Sequential(conv2d(projection), norm2d(projection))


class PlainBlock(nn.Module):
    """y = relu(F(x)), F = conv-bn-relu-conv-bn."""

    def __init__(self, spec: ModelSpec, block: BlockShape) -> None:
        super().__init__()
        conv1, conv2 = spec.convs(block)
        self.conv1 = conv2d(conv1)
        self.bn1 = norm2d(conv1)
        self.relu1 = nn.ReLU()
        self.drop = dropout(spec)
        self.conv2 = conv2d(conv2)
        self.bn2 = norm2d(conv2)
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        y = self.drop(self.relu1(self.bn1(self.conv1(x))))
        out: Tensor = self.relu2(self.bn2(self.conv2(y)))
        return out


class ResidualBlock(nn.Module):
    """y = relu(F(x) + shortcut(x)), F = conv-bn-relu-conv-bn (equation 1)."""

    def __init__(self, spec: ModelSpec, block: BlockShape) -> None:
        super().__init__()
        conv1, conv2 = spec.convs(block)
        self.conv1 = conv2d(conv1)
        self.bn1 = norm2d(conv1)
        self.relu1 = nn.ReLU()
        self.drop = dropout(spec)
        self.conv2 = conv2d(conv2)
        self.bn2 = norm2d(conv2)
        self.downsample = shortcut(spec, block)
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        y = self.drop(self.relu1(self.bn1(self.conv1(x))))
        y = self.bn2(self.conv2(y))
        out: Tensor = self.relu2(y + self.downsample(x))
        return out


class BottleneckBlock(nn.Module):
    """y = relu(F(x) + shortcut(x)), F = 1x1-bn-relu-3x3-bn-relu-1x1-bn (figure 5, right).

    The stride is in the 3x3 convolution, as in torchvision, unless the spec says otherwise.
    """

    def __init__(self, spec: ModelSpec, block: BlockShape) -> None:
        super().__init__()
        conv1, conv2, conv3 = spec.convs(block)
        self.conv1 = conv2d(conv1)
        self.bn1 = norm2d(conv1)
        self.relu1 = nn.ReLU()
        self.conv2 = conv2d(conv2)
        self.bn2 = norm2d(conv2)
        self.relu2 = nn.ReLU()
        self.conv3 = conv2d(conv3)
        self.bn3 = norm2d(conv3)
        self.downsample = shortcut(spec, block)
        self.relu3 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.relu2(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        out: Tensor = self.relu3(y + self.downsample(x))
        return out


class PreactBlock(nn.Module):
    """y = shortcut(x) + F(x), F = bn-relu-conv-bn-relu-conv (arXiv:1603.05027, figure 4e).

    A projection takes the activated input relu(bn(x)), as in the authors' code, or x if the spec says `raw`; the
    identity takes x itself.
    """

    def __init__(self, spec: ModelSpec, block: BlockShape) -> None:
        super().__init__()
        conv1, conv2 = spec.convs(block)
        self.bn1 = norm2d(conv1)
        self.relu1 = nn.ReLU()
        self.conv1 = conv2d(conv1)
        self.bn2 = norm2d(conv2)
        self.relu2 = nn.ReLU()
        self.drop = dropout(spec)
        self.conv2 = conv2d(conv2)
        self.downsample = shortcut(spec, block)
        self.project_activated = spec.has_projection(block) and spec.projection_input == "activated"

    def forward(self, x: Tensor) -> Tensor:
        a = self.relu1(self.bn1(x))
        y = self.conv1(a)
        y = self.conv2(self.drop(self.relu2(self.bn2(y))))
        out: Tensor = y + self.downsample(a if self.project_activated else x)
        return out


class PreactBottleneckBlock(nn.Module):
    """y = shortcut(x) + F(x), F = bn-relu-1x1-bn-relu-3x3-bn-relu-1x1 (arXiv:1603.05027, appendix)."""

    def __init__(self, spec: ModelSpec, block: BlockShape) -> None:
        super().__init__()
        conv1, conv2, conv3 = spec.convs(block)
        self.bn1 = norm2d(conv1)
        self.relu1 = nn.ReLU()
        self.conv1 = conv2d(conv1)
        self.bn2 = norm2d(conv2)
        self.relu2 = nn.ReLU()
        self.conv2 = conv2d(conv2)
        self.bn3 = norm2d(conv3)
        self.relu3 = nn.ReLU()
        self.conv3 = conv2d(conv3)
        self.downsample = shortcut(spec, block)
        self.project_activated = spec.has_projection(block) and spec.projection_input == "activated"

    def forward(self, x: Tensor) -> Tensor:
        a = self.relu1(self.bn1(x))
        y = self.conv1(a)
        y = self.conv2(self.relu2(self.bn2(y)))
        y = self.conv3(self.relu3(self.bn3(y)))
        out: Tensor = y + self.downsample(a if self.project_activated else x)
        return out


MODULES: dict[types.BlockType, Callable[[ModelSpec, BlockShape], nn.Module]] = {
    types.PLAIN_BASIC: PlainBlock,
    types.RESIDUAL_BASIC: ResidualBlock,
    types.RESIDUAL_BOTTLENECK: BottleneckBlock,
    types.PREACT_BASIC: PreactBlock,
    types.PREACT_BOTTLENECK: PreactBottleneckBlock,
}


def build_block(spec: ModelSpec, block: BlockShape) -> nn.Module:
    """The block of `spec` with the shape of `block`."""
    return MODULES[types.find_block_type(spec.family, spec.block)](spec, block)
