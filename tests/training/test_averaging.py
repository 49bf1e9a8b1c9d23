"""The moving average of the weights against torch's own, and that it is what a run tests, keeps and returns."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from cases import small_network
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

import resnetzoo
from resnetzoo.errors import CheckpointError
from resnetzoo.training.averaging import AveragedWeights

DECAY = 0.6


class Peer(resnetzoo.Callback):
    """Averages by torch's class behind each step, and measures that average at each epoch's end."""

    def __init__(self, model: nn.Module) -> None:
        self.average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(DECAY), use_buffers=True)
        self.tests: list[float] = []
        self.learned: dict[str, Tensor] = {}

    def on_step_end(self, trainer: resnetzoo.TrainerState) -> None:
        self.average.update_parameters(trainer.model)

    def on_epoch_end(self, trainer: resnetzoo.TrainerState, row: resnetzoo.EpochRow) -> None:
        assert trainer.tested_model is not trainer.model
        normalization = trainer.step_state.loader.normalization
        tested = resnetzoo.evaluate(self.average.module, trainer.data.test, normalization=normalization)
        self.tests += [tested.loss, tested.error]
        self.learned = {key: value.clone() for key, value in trainer.model.state_dict().items()}


def fit(
    model: nn.Module,
    data: resnetzoo.Data,
    recipe: resnetzoo.Recipe,
    out: Path | None = None,
    *callbacks: resnetzoo.Callback,
    extend_to: int | None = None,
) -> resnetzoo.Run:
    return resnetzoo.fit(
        model,
        data,
        recipe,
        device="cpu",
        precision="fp32",
        out=out,
        progress=False,
        callbacks=callbacks,
        extend_to=extend_to,
    )


def assert_weights(found: nn.Module | dict[str, Tensor], expected: nn.Module | dict[str, Tensor]) -> None:
    one, two = (held.state_dict() if isinstance(held, nn.Module) else held for held in (found, expected))
    assert one.keys() == two.keys()
    for key, value in one.items():
        assert torch.equal(value, two[key]), key


def of_peer(peer: Peer) -> dict[str, Tensor]:
    """As torch averages; but the norms' counters, which it averages as whole numbers, are those of the network."""
    averaged: dict[str, Tensor] = peer.average.module.state_dict()
    return {key: peer.learned[key] if key.endswith("num_batches_tracked") else averaged[key] for key in averaged}


def test_a_run_comes_to_the_average_that_torch_computes(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path
) -> None:
    """To the bit: running statistics too. What learns is the same as without an average."""
    model, plain = small_network(0), small_network(0)
    peer = Peer(model)
    run = fit(model, tiny_data, replace(tiny_recipe, ema_decay=DECAY), tmp_path, peer)
    without = fit(plain, tiny_data, tiny_recipe)
    assert run.model is model
    assert not model.training
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert_weights(model, of_peer(peer))
    assert_weights(peer.learned, plain)
    assert not torch.equal(model.conv1.weight, plain.conv1.weight)
    assert [value for row in run.epochs for value in (row.test_loss, row.test_error)] == pytest.approx(peer.tests)
    assert [row.train_loss for row in run.epochs] == [row.train_loss for row in without.epochs]

    for key, expected in ((None, model), ("model_ema", model), ("model", plain)):
        kept = resnetzoo.load_checkpoint(tmp_path, key=key)
        assert_weights(kept, expected)
        assert torch.equal(kept.normalization.mean, model.normalization.mean)
    assert "weights also under 'model', which were not taken" in str(resnetzoo.load_checkpoint(tmp_path).origin)
    assert_weights(resnetzoo.network_of(resnetzoo.open_checkpoint(tmp_path)), model)
    with pytest.raises(CheckpointError, match="it holds 'model', 'model_ema'"):
        resnetzoo.load_checkpoint(tmp_path, key="teacher")
    assert resnetzoo.load_logits(tmp_path).error == run.epochs[-1].test_error


@pytest.mark.parametrize("key", [None, "model", "model_ema"], ids=["fresh", "what learned", "the average"])
def test_a_run_is_taken_up_with_any_network_of_its_own_and_extended(
    key: str | None, tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path
) -> None:
    recipe = replace(tiny_recipe, ema_decay=DECAY)
    straight = fit(small_network(0), tiny_data, recipe.extended_to(3, num_images=48))
    first = fit(small_network(0), tiny_data, recipe, tmp_path)
    model = small_network(0) if key is None else resnetzoo.load_checkpoint(tmp_path, key=key)
    again = fit(model, tiny_data, recipe, tmp_path)
    assert_weights(again.model, first.model)
    assert again.epochs == first.epochs
    longer = fit(small_network(0), tiny_data, recipe, tmp_path, extend_to=3)
    assert_weights(longer.model, straight.model)
    assert [row.test_loss for row in longer.epochs] == [row.test_loss for row in straight.epochs]


def test_a_network_from_elsewhere_is_averaged(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path
) -> None:
    """With tied weights, a frozen layer, a table of whole numbers and one of complex ones."""

    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.first = nn.Conv2d(3, 3, 3, padding=1)
            self.second = nn.Conv2d(3, 3, 3, padding=1)
            self.second.weight = self.first.weight
            self.fc = nn.Linear(3, 10)
            self.fc.bias.requires_grad_(False)
            self.register_buffer("table", torch.arange(3))
            self.register_buffer("wave", torch.tensor([1j]))

        def forward(self, images: Tensor) -> Tensor:
            return self.fc(self.second(self.first(images).relu()).mean((2, 3)))

    recipe = replace(tiny_recipe, ema_decay=DECAY)
    model = Tied()
    peer = Peer(model)
    run = fit(model, tiny_data, recipe, tmp_path, peer)
    assert_weights(model, {**peer.average.module.state_dict(), "table": torch.arange(3)})
    assert model.second.weight is model.first.weight
    assert not model.fc.bias.requires_grad
    assert_weights(fit(Tied(), tiny_data, recipe, tmp_path).model, run.model)


class Uncopyable(nn.Linear):
    def __deepcopy__(self, memo: object) -> nn.Module:
        raise TypeError("cannot pickle a socket")


def test_a_network_that_cannot_be_copied_is_refused(tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe) -> None:
    model = nn.Sequential(nn.Flatten(), Uncopyable(3 * 32 * 32, 10))
    message = (
        r"ema_decay needs a copy.*Sequential cannot be copied \(TypeError: cannot pickle a socket\): leave ema_decay"
    )
    with pytest.raises(resnetzoo.UsageError, match=message):
        fit(model, tiny_data, replace(tiny_recipe, ema_decay=DECAY))
    assert fit(model, tiny_data, tiny_recipe).epochs


def test_a_state_that_lacks_its_average_is_refused(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path
) -> None:
    recipe = replace(tiny_recipe, ema_decay=DECAY)
    fit(small_network(0), tiny_data, recipe, tmp_path)
    content = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    del content["model_ema"]
    torch.save(content, tmp_path / "checkpoint.pt")
    with pytest.raises(CheckpointError, match="a damaged training state: its weights are None, not a dictionary"):
        fit(small_network(0), tiny_data, recipe, tmp_path)


def test_nothing_waits_for_the_device() -> None:
    """A meta tensor has no value that could be asked for."""
    model = small_network(0).to("meta")
    average = AveragedWeights(model, DECAY)
    for step in (1, 2):
        average.update(step)
    average.give_back()


class Masked(nn.Module):
    """Holds a causal mask, and a minimum that is infinite before the first batch."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.fc = nn.Linear(3, 10)
        self.register_buffer("mask", torch.full((4, 4), -torch.inf).triu(1))
        self.register_buffer("least", torch.tensor(torch.inf))
        self.register_buffer("mean", torch.zeros(()))

    def forward(self, images: Tensor) -> Tensor:
        features = images.mean((2, 3))
        if self.training:
            self.least.copy_(torch.minimum(self.least, features.detach().min()))
            self.mean.copy_(features.detach().mean())
        logits: Tensor = self.fc(features) + self.mask.softmax(1).diagonal().sum()
        return logits


def test_buffers_that_begin_infinite_are_copied(tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe) -> None:
    model, seen = Masked(), []

    class Look(resnetzoo.Callback):
        def on_fit_end(self, trainer: resnetzoo.TrainerState, run: resnetzoo.Run) -> None:
            seen.append(float(trainer.average.model.mean))

        def on_step_end(self, trainer: resnetzoo.TrainerState) -> None:
            assert torch.equal(trainer.average.model.mask, Masked().mask)
            assert trainer.average.model.least == model.least
            seen.append(float(model.mean))

    fit(model, tiny_data, replace(tiny_recipe, ema_decay=DECAY), None, Look())
    assert torch.equal(model.mask, Masked().mask)
    *means, average = seen
    expected = means[0]
    for mean in means[1:]:
        expected = DECAY * expected + (1 - DECAY) * mean
    assert average == pytest.approx(expected, abs=1e-6)
