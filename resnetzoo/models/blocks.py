"""The building blocks. Each docstring is the block's formula; F is its stack of convolutions.

Shapes: x (N, in_chans, H, W) -> y (N, out_chans, H/stride, W/stride), rounded up.
"""

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's standard name)

from resnetzoo.models.spec import BlockShape, ModelSpec


def build_block(spec: ModelSpec, block: BlockShape) -> nn.Module:
    """The block of `spec` with the shape of `block`."""
    if spec.family == "plain":
        return PlainBlock(block)
    project = spec.has_projection(block)
    if spec.family == "residual":
        return ResidualBlock(block, project) if spec.block == "basic" else BottleneckBlock(block, project)
    return PreactBlock(block, project) if spec.block == "basic" else PreactBottleneckBlock(block, project)


def conv3x3(in_chans: int, out_chans: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(in_chans, out_chans, kernel_size=3, stride=stride, padding=1, bias=False)


def conv1x1(in_chans: int, out_chans: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(in_chans, out_chans, kernel_size=1, stride=stride, bias=False)


class ZeroPadShortcut(nn.Module):
    """Option A: x at every `stride`-th row and column, with zero channels on both sides; no parameters.

    The paper leaves open where the zeros go; half in front and half behind is what published
    option-A weights were trained with.
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


def identity_shortcut(block: BlockShape) -> nn.Module:
    return ZeroPadShortcut(block) if block.changes_shape else nn.Identity()


def projection(block: BlockShape) -> nn.Conv2d:
    return conv1x1(block.in_chans, block.out_chans, block.stride)


def shortcut(block: BlockShape, project: bool) -> nn.Module:
    """The shortcut of a residual block: identity (A), or 1x1 convolution and norm (B, C; equation 2)."""
    if project:
        return nn.Sequential(projection(block), nn.BatchNorm2d(block.out_chans))
    return identity_shortcut(block)


def preact_shortcut(block: BlockShape, project: bool) -> nn.Module:
    """The shortcut of a pre-activation block: nothing on the path but, if it must be, a 1x1 convolution."""
    return nn.Sequential(projection(block)) if project else identity_shortcut(block)


class PlainBlock(nn.Module):
    """y = relu(F(x)), F = conv-bn-relu-conv-bn."""

    def __init__(self, block: BlockShape) -> None:
        super().__init__()
        self.conv1 = conv3x3(block.in_chans, block.width, block.stride)
        self.bn1 = nn.BatchNorm2d(block.width)
        self.conv2 = conv3x3(block.width, block.out_chans)
        self.bn2 = nn.BatchNorm2d(block.out_chans)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return F.relu(self.bn2(self.conv2(y)), inplace=True)


class ResidualBlock(nn.Module):
    """y = relu(F(x) + shortcut(x)), F = conv-bn-relu-conv-bn (equation 1)."""

    def __init__(self, block: BlockShape, project: bool) -> None:
        super().__init__()
        self.conv1 = conv3x3(block.in_chans, block.width, block.stride)
        self.bn1 = nn.BatchNorm2d(block.width)
        self.conv2 = conv3x3(block.width, block.out_chans)
        self.bn2 = nn.BatchNorm2d(block.out_chans)
        self.downsample = shortcut(block, project)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn2(self.conv2(y))
        return F.relu(y + self.downsample(x), inplace=True)


class BottleneckBlock(nn.Module):
    """y = relu(F(x) + shortcut(x)), F = 1x1-bn-relu-3x3-bn-relu-1x1-bn (figure 5, right).

    The stride is in the 3x3 convolution, as in torchvision.
    """

    def __init__(self, block: BlockShape, project: bool) -> None:
        super().__init__()
        self.conv1 = conv1x1(block.in_chans, block.width)
        self.bn1 = nn.BatchNorm2d(block.width)
        self.conv2 = conv3x3(block.width, block.width, block.stride)
        self.bn2 = nn.BatchNorm2d(block.width)
        self.conv3 = conv1x1(block.width, block.out_chans)
        self.bn3 = nn.BatchNorm2d(block.out_chans)
        self.downsample = shortcut(block, project)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = F.relu(self.bn2(self.conv2(y)), inplace=True)
        y = self.bn3(self.conv3(y))
        return F.relu(y + self.downsample(x), inplace=True)


class PreactBlock(nn.Module):
    """y = shortcut(x) + F(x), F = bn-relu-conv-bn-relu-conv (arXiv:1603.05027, figure 4e).

    A projection takes the activated input relu(bn(x)), as in the authors' code; the identity takes x itself.
    """

    def __init__(self, block: BlockShape, project: bool) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(block.in_chans)
        self.conv1 = conv3x3(block.in_chans, block.width, block.stride)
        self.bn2 = nn.BatchNorm2d(block.width)
        self.conv2 = conv3x3(block.width, block.out_chans)
        self.downsample = preact_shortcut(block, project)
        self.project = project

    def forward(self, x: Tensor) -> Tensor:
        a = F.relu(self.bn1(x), inplace=True)
        y = self.conv1(a)
        y = self.conv2(F.relu(self.bn2(y), inplace=True))
        out: Tensor = y + self.downsample(a if self.project else x)
        return out


class PreactBottleneckBlock(nn.Module):
    """y = shortcut(x) + F(x), F = bn-relu-1x1-bn-relu-3x3-bn-relu-1x1 (arXiv:1603.05027, appendix)."""

    def __init__(self, block: BlockShape, project: bool) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(block.in_chans)
        self.conv1 = conv1x1(block.in_chans, block.width)
        self.bn2 = nn.BatchNorm2d(block.width)
        self.conv2 = conv3x3(block.width, block.width, block.stride)
        self.bn3 = nn.BatchNorm2d(block.width)
        self.conv3 = conv1x1(block.width, block.out_chans)
        self.downsample = preact_shortcut(block, project)
        self.project = project

    def forward(self, x: Tensor) -> Tensor:
        a = F.relu(self.bn1(x), inplace=True)
        y = self.conv1(a)
        y = self.conv2(F.relu(self.bn2(y), inplace=True))
        y = self.conv3(F.relu(self.bn3(y), inplace=True))
        out: Tensor = y + self.downsample(a if self.project else x)
        return out
