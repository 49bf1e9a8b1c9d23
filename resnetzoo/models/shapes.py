"""What a network consists of, as plain numbers: stages of blocks, blocks of convolutions. No torch here."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

Norm = Literal["batch", "group"]

WIDTHS = (16, 32, 64)  # channels of the stages in arXiv:1512.03385, section 4.2
FOUR_WIDTHS = (64, 128, 256, 512)  # and in its table 1


class BlockShape(NamedTuple):
    """One block of a network.

    Attributes:
        name: its prefix in the state dict, such as `layer2.0`.
        in_chans: channels that enter it.
        width: channels of its 3x3 convolutions.
        out_chans: channels that leave it.
        stride: 2 if it halves height and width, else 1.
        groups: number of groups of its 3x3 convolution if it is a bottleneck, else 1.
    """

    name: str
    in_chans: int
    width: int
    out_chans: int
    stride: int
    groups: int = 1

    @property
    def changes_shape(self) -> bool:
        """Whether its output differs from its input in size or number of channels."""
        return self.stride != 1 or self.in_chans != self.out_chans


class Stage(NamedTuple):
    """Blocks that work on feature maps of one size.

    Attributes:
        name: its prefix in the state dict, such as `layer2`.
        blocks: how many it has.
        in_chans: channels that enter its first block.
        width: channels of the 3x3 convolutions of its blocks.
        out_chans: channels that leave each of its blocks.
        stride: stride of its first block; the other blocks have 1.
        groups: number of groups of the 3x3 convolutions in bottleneck blocks, else 1.
    """

    name: str
    blocks: int
    in_chans: int
    width: int
    out_chans: int
    stride: int
    groups: int = 1

    def block_shapes(self) -> Iterator[BlockShape]:
        """Its blocks in the order of the forward pass."""
        in_chans, stride = self.in_chans, self.stride
        for index in range(self.blocks):
            yield BlockShape(f"{self.name}.{index}", in_chans, self.width, self.out_chans, stride, self.groups)
            in_chans, stride = self.out_chans, 1


class ConvShape(NamedTuple):
    """A convolution without bias, and the norm beside it.

    Attributes:
        conv: its name; that of a block's convolution is relative to the block, such as `conv1`.
        kernel: side of its square kernel; the padding is half of it, rounded down.
        in_chans: channels that enter it.
        out_chans: channels that leave it.
        stride: stride in height and width.
        groups: number of groups in which its channels are convolved separately.
        norm: name of the norm that belongs to it; None if it has none.
        norm_first: whether that norm comes before the convolution, and so has its input channels, rather than after it.
        fusable: the norm that is applied to this convolution's output and to nothing else, so that in evaluation it
            can be multiplied into the weights; None if there is none.
        response: the module whose output is the response of a 3x3 convolution (arXiv:1512.03385, section 4.2): the
            norm after it, or the convolution itself if its output goes straight into an addition. None if the response
            is not measured, as for 1x1 convolutions.
        norm_kind: kind of that norm, `batch` or `group`.
    """

    conv: str
    kernel: int
    in_chans: int
    out_chans: int
    stride: int = 1
    groups: int = 1
    norm: str | None = None
    norm_first: bool = False
    fusable: str | None = None
    response: str | None = None
    norm_kind: Norm = "batch"

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """The shape of its weights, (out_chans, in_chans / groups, kernel, kernel)."""
        return self.out_chans, self.in_chans // self.groups, self.kernel, self.kernel

    @property
    def norm_chans(self) -> int:
        """Channels of its norm; 0 if it has none."""
        if self.norm is None:
            return 0
        return self.in_chans if self.norm_first else self.out_chans

    def inside(self, block: str) -> "ConvShape":
        """The same convolution, with names as in the network instead of those inside `block`."""

        def full(name: str | None) -> str | None:
            return None if name is None else f"{block}.{name}"

        return self._replace(
            conv=f"{block}.{self.conv}",
            norm=full(self.norm),
            fusable=full(self.fusable),
            response=full(self.response),
        )
