"""How many runs one device computes side by side, and which of them start first."""

from collections.abc import Sequence

import torch
from torch import nn

from resnetzoo.errors import UsageError
from resnetzoo.models.complexity import complexity
from resnetzoo.models.introspection import known_spec
from resnetzoo.utils.validation import check_whole_number

USUAL_SIDE_BY_SIDE = 8
MOST_SIDE_BY_SIDE = 32
"""The number of streams of one priority that torch creates for a device; it hands them out in turn."""


def runs_together(device: torch.device) -> bool:
    """Whether running side by side pays, which it does if the device works while the next step is launched."""
    return device.type == "cuda"


def check_side_by_side(field: str, found: int) -> None:
    """Refuse more runs side by side than there are streams.

    Raises:
        UsageError: there are more, or `found` is not a number of runs.
    """
    check_whole_number(field, found)
    if found > MOST_SIDE_BY_SIDE:
        raise UsageError(
            f"{field} must be at most {MOST_SIDE_BY_SIDE}, not {found}: a process has no more CUDA streams, and runs "
            "that share one wait for each other"
        )


def longest_first(networks: Sequence[nn.Module], images: Sequence[int], size: int) -> list[int]:
    """The indices of the runs, those with the most work left first, so that no long run is left alone at the end.

    Networks from elsewhere, whose cost is unknown, come first, since starting them early costs nothing.

    Args:
        networks: one per run.
        images: the number of images that each run still has to see, repetitions included.
        size: side of an image in pixels.
    """

    def cost(place: int) -> tuple[bool, int]:
        spec = known_spec(networks[place])
        return spec is None, images[place] * (complexity(spec, input_size=size).macs if spec else 1)

    return sorted(range(len(networks)), key=cost, reverse=True)
