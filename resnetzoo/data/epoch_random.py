"""The sources of an epoch's random numbers, which only depend on (seed, epoch) and are separate for each use.

A run can therefore continue in the middle of an epoch as if it had never stopped, and switching one augmentation on or
off does not change the random numbers of another.
"""

import numpy as np
import torch

CROPS, CUTOUT, MIXUP, DROPOUT = range(4)
"""The uses: the order of the images with their crops and flips; the holes of cutout; the proportions in which images
are mixed; and the random numbers of a training step."""


def seed_sequence(seed: int, *place: int) -> np.random.SeedSequence:
    """The seed sequence of a place in a run, given by up to three numbers such as an epoch and a use.

    numpy splits a seed into words of 32 bits, so the second word of a long seed could be mistaken for the place of
    another seed. It is therefore passed as the spawn key, which comes after four words of seed and place, and which
    is empty for shorter seeds.
    """
    beyond, word = divmod(seed, 2**32)
    return np.random.SeedSequence([word, *place], spawn_key=(beyond,) if beyond else ())


def epoch_seed(seed: int, epoch: int, use: int = CROPS) -> np.random.SeedSequence:
    """The seed sequence of one use of an epoch's random numbers."""
    return seed_sequence(seed, epoch, use)


def epoch_generator(seed: int, epoch: int, use: int = CROPS) -> torch.Generator:
    """A CPU generator that is seeded with `epoch_seed`."""
    state = int(epoch_seed(seed, epoch, use).generate_state(1, np.uint64)[0] >> np.uint64(1))
    return torch.Generator().manual_seed(state)
