"""Which depths are valid, and how the literature counts the layers of a network. No torch here."""

from resnetzoo.errors import UsageError

FOUR_STAGES = {  # depth -> blocks per stage (arXiv:1512.03385, table 1)
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}


def nearest_depths(depth: int, step: int, rest: int = 2) -> list[int]:
    """The valid depths next to `depth`, nearest first; a depth is valid if it is step * n + rest."""
    below = max(1, (depth - rest) // step) * step + rest
    return sorted({below, below + step}, key=lambda valid: abs(valid - depth))


def is_valid_depth(depth: int, step: int, rest: int = 2) -> bool:
    """Whether `depth` is step * n + rest, with n of at least 1."""
    return depth >= step + rest and (depth - rest) % step == 0


def check_depth(depth: int, step: int, block: str) -> None:
    """Refuse a depth that stages with equally many blocks cannot have.

    Raises:
        UsageError: the depth is not valid; the message names the nearest valid ones.
    """
    if not is_valid_depth(depth, step):
        nearest = " or ".join(str(valid) for valid in nearest_depths(depth, step))
        raise UsageError(f"depth {depth} is not {step}n+2, as {block} blocks need; the nearest valid: {nearest}")


def check_depth_of_layers(depth: int, layers: tuple[int, ...], block: str, usual: int, wide: int | None) -> None:
    """Refuse a depth that does not match the number of blocks in each stage.

    Args:
        depth: the given depth.
        layers: number of blocks in each stage.
        block: kind of the blocks, for the message.
        usual: the depth if it counts the convolutions of the blocks, the stem and the classifier.
        wide: the depth as arXiv:1605.07146 counts it; None if the paper does not count such networks.

    Raises:
        UsageError: the depth does not match; the message names the valid ones.
    """
    if depth not in (usual, wide):
        other = f", or {wide} as Wide ResNets count" if wide else ""
        raise UsageError(f"layers {layers} of {block} blocks make depth {usual}{other}, not {depth}")
