"""Each use of each epoch has random numbers of its own, and those of seeds below 2^32 stay the same."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from resnetzoo.data.epoch_random import CROPS, CUTOUT, DROPOUT, MIXUP, epoch_seed, seed_sequence
from resnetzoo.training.step_random import drawing_for_step

USES = (CROPS, CUTOUT, MIXUP, DROPOUT)
SHORT = 2**32 - 1


def state(sequence: np.random.SeedSequence) -> bytes:
    return sequence.generate_state(4).tobytes()


@given(seed=st.integers(0, SHORT), epoch=st.integers(0, SHORT), use=st.sampled_from(USES))
def test_seeds_of_one_word_give_what_they_gave(seed: int, epoch: int, use: int) -> None:
    """As stored runs drew them: crops from two words, each other use from three."""
    words = [seed, epoch] if use == CROPS else [seed, epoch, use]
    assert state(epoch_seed(seed, epoch, use)) == state(np.random.SeedSequence(words))


@pytest.mark.parametrize("seed", [0, SHORT])
@pytest.mark.parametrize("rank", [0, 5])
def test_steps_of_one_word_draw_what_they_drew(seed: int, rank: int) -> None:
    words = np.random.SeedSequence([seed, 7, DROPOUT, rank]).generate_state(1, np.uint64)
    expected = torch.rand(3, generator=torch.Generator().manual_seed(int(words[0] >> np.uint64(1))))
    with drawing_for_step(seed, 7, rank, torch.device("cpu")):
        assert torch.equal(torch.rand(3), expected)


def test_all_uses_of_all_seeds_differ() -> None:
    """Where a seed has a second word, which was taken for the epoch of the seed that is its first word."""
    seeds = [low + 2**32 * high for low, high in product(range(4), (0, 1, 2, 3, 2**31 - 1))]
    epochs = {
        (seed, epoch, use): state(epoch_seed(seed, epoch, use))
        for seed in seeds
        for epoch, use in product(range(4), USES)
    }
    steps = {
        (seed, step, rank): state(seed_sequence(seed, step, DROPOUT, rank))
        for seed in seeds
        for step, rank in product(range(4), range(1, 4))
    }
    assert len({*epochs.values(), *steps.values()}) == len(epochs) + len(steps)
