"""Mixup against torchvision's, and its targets against cross-entropy of probabilities."""

from dataclasses import replace

import pytest
import torch
from cases import small_network
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (the field's standard name)
from torchvision.transforms import v2

import resnetzoo
from resnetzoo.training.distributed import DistributedContext
from resnetzoo.training.mixing import Mixed, cross_entropy, draw_mixing, share_of
from resnetzoo.training.opening import make_loader
from resnetzoo.training.strategies.base import StepState
from resnetzoo.training.strategies.eager import EagerStep, make_loss
from resnetzoo.utils.compile import warnings_of_torch_ignored, with_own_code

CPU = torch.device("cpu")


def state_of(data: resnetzoo.Data, recipe: resnetzoo.Recipe) -> StepState:
    return StepState.create(small_network(0), recipe, make_loader(data, recipe, CPU), torch.channels_last)


@pytest.mark.parametrize("batch", [slice(0, 20), slice(20, 40), slice(40, 41)], ids=["first", "second", "one image"])
def test_a_batch_and_its_targets_are_mixed_as_by_torchvision(
    batch: slice, tiny_recipe: resnetzoo.Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = resnetzoo.synthetic(train_images=41, test_images=4)
    recipe = replace(tiny_recipe, batch_size=20, mixup=0.4, cutout=8)
    state = state_of(data, recipe)
    augmentation = state.augmentation(seed=1, epoch=0)
    drawn = state.loader.augmentation(seed=1, epoch=0)
    assert torch.equal(augmentation[:-2], drawn)  # order, crops, flips and holes are those of the run without it
    images, labels, mixed = state.batch(augmentation, batch)
    assert mixed is not None
    assert images.is_contiguous(memory_format=torch.channels_last)
    own_images, own_labels = state.loader.batch(drawn, batch)
    assert torch.equal(labels, own_labels)
    peer = v2.MixUp(alpha=0.4, num_classes=10)
    monkeypatch.setattr(peer._dist, "sample", lambda shape: mixed.share)
    expected, targets = peer(own_images, own_labels)
    torch.testing.assert_close(images, expected)
    if batch.stop - batch.start == 1:
        assert torch.equal(images, own_images)  # an image with itself, to the bit
    logits = torch.randn(len(labels), 10, generator=torch.Generator().manual_seed(0))
    for smoothing in (0.0, 0.1):
        loss = F.cross_entropy(logits, targets, label_smoothing=smoothing)
        torch.testing.assert_close(cross_entropy(logits, labels, mixed, smoothing), loss)
    assert torch.equal(mixed.larger(labels), targets.argmax(dim=1))


def test_processes_mix_their_parts_of_a_batch_as_one_mixes_the_whole(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe
) -> None:
    state = state_of(tiny_data, replace(tiny_recipe, mixup=0.4))
    augmentation = state.augmentation(seed=1, epoch=0)
    batch = slice(16, 32)
    parts = [state.batch(augmentation, DistributedContext(rank, 3).shard(batch)) for rank in range(3)]
    recorded = state.batch(augmentation, torch.arange(16, 32))  # whose indices are a tensor
    for whole in (state.batch(augmentation, batch), recorded):
        assert all(torch.equal(flat(parts, field), flat([whole], field)) for field in ("images", "labels", "others"))
        assert all(torch.equal(mixed_in(part).share, mixed_in(whole).share) for part in parts)


def mixed_in(part: tuple[Tensor, Tensor, Mixed | None]) -> Mixed:
    assert part[2] is not None
    return part[2]


def flat(parts: list[tuple[Tensor, Tensor, Mixed | None]], field: str) -> Tensor:
    return torch.cat([{"images": part[0], "labels": part[1], "others": mixed_in(part).labels}[field] for part in parts])


def test_each_batch_of_each_epoch_has_a_share_of_its_own() -> None:
    shares, partners = draw_mixing(1_003, 10, 0.4, seed=5, epoch=2)
    assert (shares.dtype, partners.dtype) == (torch.int64, torch.int64)
    batches = shares.split(10)
    assert all((batch == batch[0]).all() for batch in batches)
    assert len({int(batch[0]) for batch in batches}) > 90
    expected = [batch.roll(1) for batch in torch.arange(1_003).split(10)]
    assert torch.equal(partners, torch.cat(expected))
    assert torch.equal(shares, draw_mixing(1_003, 10, 0.4, seed=5, epoch=2)[0])
    for seed, epoch in ((6, 2), (5, 3)):
        assert not torch.equal(shares, draw_mixing(1_003, 10, 0.4, seed=seed, epoch=epoch)[0])
    many = torch.stack([share_of(batch) for batch in draw_mixing(40_000, 1, 0.4, seed=0, epoch=0)[0].split(1)])
    assert (many.dtype, float(many.min()) >= 0, float(many.max()) <= 1) == (torch.float32, True, True)
    assert float(many.mean()) == pytest.approx(0.5, abs=0.01)
    assert float(many.var()) == pytest.approx(1 / (4 * 1.8), rel=0.02)  # of Beta(a, a): 1 / (4 (2 a + 1))


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_the_training_error_is_counted_against_the_label_with_the_larger_share(
    share: float, tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a network that always says what the first image of each pair is, or the other one."""
    state = state_of(tiny_data, replace(tiny_recipe, mixup=0.4))
    augmentation = state.augmentation(seed=1, epoch=0)
    augmentation[-2] = int(share * 2**24)
    _, labels, mixed = state.batch(augmentation, slice(0, 16))
    other = mixed_in((labels, labels, mixed)).labels
    for said in (labels, other):
        state.metrics.reset()
        state.metrics.count(16, 16)
        logits = F.one_hot(said, 10).float().requires_grad_()
        EagerStep(lambda *_, logits=logits: (logits.sum(), logits), state).training_step(augmentation, slice(0, 16))
        meant = other if share < 0.5 else labels
        assert state.metrics.error() == pytest.approx(100 * float((said != meant).float().mean()))
    assert not torch.equal(labels, other)


def test_a_traced_loss_is_that_of_the_mixed_batch(tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe) -> None:
    recipe = replace(tiny_recipe, mixup=0.4, label_smoothing=0.1)
    state, model = state_of(tiny_data, recipe), small_network(0).train()
    images, labels, mixed = state.batch(state.augmentation(seed=0, epoch=0), slice(0, 8))
    assert mixed is not None
    loss_fn = make_loss(model, recipe, CPU, "fp32")
    with warnings_of_torch_ignored():
        # Not by a backend's name, for which torch 2.6 imports all of them, those of other packages too.
        traced = torch.compile(with_own_code(loss_fn), dynamic=False, backend=lambda graph, _: graph)
    targets = mixed.share * F.one_hot(labels, 10) + (1 - mixed.share) * F.one_hot(mixed.labels, 10)
    expected = F.cross_entropy(model(images), targets, label_smoothing=0.1)
    gradient = torch.autograd.grad(expected, [model.conv1.weight])
    for function in (loss_fn, traced):
        with warnings_of_torch_ignored():
            loss, _ = function(images, labels, mixed)
        torch.testing.assert_close(loss, expected)
        torch.testing.assert_close(torch.autograd.grad(loss, [model.conv1.weight]), gradient, rtol=1e-3, atol=1e-5)
