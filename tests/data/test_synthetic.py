"""The embedded default: the same everywhere, too hard for a line; that a network learns it is in test_docs."""

import pytest
import torch
from torch.nn import functional as F  # noqa: N812 (the field's standard name)

import resnetzoo


@pytest.fixture(scope="module")
def data() -> resnetzoo.Data:
    return resnetzoo.synthetic()


def test_it_is_the_same_bytes_every_time(data: resnetzoo.Data) -> None:
    assert data.fingerprint_v1 == "4b0178cbc71f2fd1160b6f9f12aad00390c7cc415ae07b19e05b0f32771687e2"
    assert data.fingerprint == "v2:4af62dcefe5f96847be48e8b40eae7b54bc403df62f2e64e802700b8386050fb"
    assert (len(data.train), len(data.test)) == (10_000, 2_000)
    assert data.train.images.shape[1:] == (3, 32, 32)
    assert data.train.labels.bincount().tolist() == [1_000] * 10
    assert data.test.labels.bincount().tolist() == [200] * 10
    assert not data.official


def test_seeds_differ() -> None:
    first, second = (resnetzoo.synthetic(seed, train_images=50, test_images=10) for seed in (0, 1))
    assert first.fingerprint != second.fingerprint


@pytest.mark.slow
def test_a_linear_classifier_stays_under_60_percent(data: resnetzoo.Data) -> None:
    pixels = [part.images.flatten(1).float() / 255 - 0.5 for part in (data.train, data.test)]  # (n, 3072)
    torch.manual_seed(0)
    linear = torch.nn.Linear(3072, 10)
    optimizer = torch.optim.Adam(linear.parameters(), lr=1e-3)
    for _ in range(15):
        for places in torch.randperm(len(data.train)).split(250):
            optimizer.zero_grad()
            F.cross_entropy(linear(pixels[0][places]), data.train.labels[places]).backward()
            optimizer.step()
    accuracy = (linear(pixels[1]).argmax(dim=1) == data.test.labels).float().mean()
    assert 0.1 < accuracy < 0.6
