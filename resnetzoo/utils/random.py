"""Fresh weights drawn from their own seed."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from resnetzoo.utils.validation import check_seed


@contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """A block in which torch's CPU random numbers come from `seed`, with the state restored; None changes nothing.

    Raises:
        UsageError: not a seed.
    """
    if seed is None:
        yield
        return
    check_seed(seed)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        yield
