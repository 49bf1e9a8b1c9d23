"""Weights whose first gradient comes in a later step, or is none that a fused optimizer takes."""

import copy
from pathlib import Path

import pytest
import torch
from cases import TINY_RECIPE, small_network
from torch import Tensor, nn

import resnetzoo
from resnetzoo.training.optimizer import load_momentum, make_optimizer

CPU = torch.device("cpu")


class Branch(nn.Module):
    """A network with a layer that is used from the third step on."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.late, self.fc = nn.Conv2d(3, 3, 1), nn.Linear(3, 10)
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def forward(self, images: Tensor) -> Tensor:
        if self.training:
            self.steps += 1
        features = images + self.late(images) if self.steps > 2 else images
        logits: Tensor = self.fc(features.mean((2, 3)))
        return logits


class Unfreeze(resnetzoo.Callback):
    """All but the classifier are frozen up to the third step."""

    def on_fit_start(self, trainer: resnetzoo.TrainerState) -> None:
        self.on_step_end(trainer)

    def on_step_end(self, trainer: resnetzoo.TrainerState) -> None:
        if trainer.step >= 3:
            trainer.model.requires_grad_(True)


class Fails(resnetzoo.Callback):
    def on_step_end(self, trainer: resnetzoo.TrainerState) -> None:
        if trainer.step == 5:
            raise RuntimeError("the fifth")


def frozen() -> resnetzoo.CifarNet:
    model = small_network(0)
    model.requires_grad_(False)
    model.fc.requires_grad_(True)
    return model


def trained(
    model: nn.Module, data: resnetzoo.Data, *callbacks: resnetzoo.Callback, out: Path | None = None
) -> dict[str, Tensor]:
    resnetzoo.fit(
        model,
        data,
        TINY_RECIPE,
        device="cpu",
        precision="fp32",
        out=out,
        checkpoint_every=2 if out else None,
        progress=False,
        callbacks=callbacks,
    )
    return dict(model.state_dict())


@pytest.mark.parametrize("kind", ["unfrozen", "a branch"])
def test_weights_whose_first_gradient_comes_late_learn_and_resume_to_the_bit(
    kind: str, tiny_data: resnetzoo.Data, tmp_path: Path
) -> None:
    make, late = (frozen, "conv1.weight") if kind == "unfrozen" else (Branch, "late.weight")
    callbacks = [Unfreeze()] if kind == "unfrozen" else []
    straight = trained(make(), tiny_data, *callbacks)
    assert not torch.equal(straight[late], make().state_dict()[late])
    with pytest.raises(RuntimeError, match="the fifth"):
        trained(make(), tiny_data, *callbacks, Fails(), out=tmp_path)
    resumed = trained(make(), tiny_data, *callbacks, out=tmp_path)
    assert all(torch.equal(resumed[name], value) for name, value in straight.items())


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("decay_all", [False, True])
@pytest.mark.parametrize("reloaded", [False, True])
def test_a_late_gradient_counts_as_in_torchs_unfused_sgd(nesterov: bool, decay_all: bool, reloaded: bool) -> None:
    recipe = TINY_RECIPE.with_settings(weight_decay=0.1, decay_norms_and_biases=decay_all)
    recipe = resnetzoo.Recipe.from_dict({**recipe.to_dict(), "nesterov": nesterov})
    torch.manual_seed(0)
    ours = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4))
    theirs = copy.deepcopy(ours)
    optimizer = make_optimizer(ours, recipe, CPU, lr_on_device=False)
    assert optimizer.defaults["fused"]
    decays = [parameter for parameter in theirs.parameters() if decay_all or parameter.dim() > 1]
    others = [parameter for parameter in theirs.parameters() if not decay_all and parameter.dim() <= 1]
    groups = [{"params": decays}, {"params": others, "weight_decay": 0.0}]
    oracle = torch.optim.SGD(
        [group for group in groups if group["params"]], lr=recipe.lr, momentum=0.9, nesterov=nesterov, weight_decay=0.1
    )
    for step, used in enumerate([(0,), (0, 1), (1,), (0, 1, 2), (2,), (0, 1, 2)]):
        for network, own in ((ours, optimizer), (theirs, oracle)):
            own.zero_grad()
            generator = torch.Generator().manual_seed(step)
            for number in used:
                for parameter in network[number].parameters():
                    parameter.grad = torch.randn(parameter.shape, generator=generator)
            own.step()
        if reloaded:
            state = copy.deepcopy(optimizer.state_dict())
            optimizer = make_optimizer(ours, recipe, CPU, lr_on_device=False)
            load_momentum(optimizer, state)
        for parameter, expected in zip(ours.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(parameter, expected, rtol=1e-5, atol=1e-6)


class Complex(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale, self.fc = nn.Parameter(torch.ones(3, dtype=torch.complex64)), nn.Linear(3, 10)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.fc(images.mean((2, 3)) * self.scale.abs())
        return logits


def test_complex_weights_learn(tiny_data: resnetzoo.Data) -> None:
    assert not torch.equal(trained(Complex(), tiny_data)["scale"], Complex().scale)


class Sparse(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.fc = nn.Embedding(4, 3, sparse=True), nn.Linear(3, 10)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.fc(images.mean((2, 3)) + self.tokens(torch.zeros(len(images), dtype=torch.int64)))
        return logits


def test_sparse_gradients_are_refused_before_anything_is_written(tiny_data: resnetzoo.Data, tmp_path: Path) -> None:
    with pytest.raises(resnetzoo.UsageError, match=r"tokens has sparse gradients, .* create it without sparse=True"):
        trained(Sparse(), tiny_data, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
