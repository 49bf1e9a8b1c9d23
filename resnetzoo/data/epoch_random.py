"""Where the random numbers of an epoch come from: (seed, epoch) alone, and for each use a source of its own.

So a run goes on in mid-epoch as if it had never stopped, and whether one augmentation is on changes nothing of another.
"""

import numpy as np
import torch

CROPS, CUTOUT, MIXUP, DROPOUT = range(4)
"""Uses: the order of the images, their crops and flips; the holes in them; the shares of mixed images; what a step
draws."""


def seed_sequence(seed: int, *place: int) -> np.random.SeedSequence:
    """What the random numbers of a place in a run begin with, such as an epoch and a use; up to three numbers.

    numpy cuts a seed into words of 32 bits, of which the second would be taken for the place of another seed. It is
    therefore handed over apart, behind four words of seed and place, where shorter seeds have nothing.
    """
    beyond, word = divmod(seed, 2**32)
    return np.random.SeedSequence([word, *place], spawn_key=(beyond,) if beyond else ())


def epoch_seed(seed: int, epoch: int, use: int = CROPS) -> np.random.SeedSequence:
    """What one use of an epoch's random numbers begins with."""
    return seed_sequence(seed, epoch, use)


def epoch_generator(seed: int, epoch: int, use: int = CROPS) -> torch.Generator:
    """A generator of the CPU in the state of `epoch_seed`."""
    state = int(epoch_seed(seed, epoch, use).generate_state(1, np.uint64)[0] >> np.uint64(1))
    return torch.Generator().manual_seed(state)
