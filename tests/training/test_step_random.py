"""What a step draws, as for dropout, follows from the run's seed and the step, and from nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from cases import THIN, TINY_RECIPE
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's standard name)

import resnetzoo
from resnetzoo.training.step_random import drawing_for_step, may_draw

CPU = torch.device("cpu")


class Functional(nn.Module):
    """Of somebody else, with a dropout that is no module."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(3 * 32 * 32, 10)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.fc(F.dropout(images.flatten(1), training=self.training))
        return logits


def around(layer: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 4, 3), layer, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10))


def noise(module: nn.Module, inputs: object, outputs: Tensor) -> Tensor | None:
    return outputs + torch.randn_like(outputs) if module.training else None


def hooked() -> nn.Module:
    model = around(nn.ReLU())
    model[1].register_forward_hook(noise)
    return model


def with_another_forward() -> nn.Module:
    model = around(nn.ReLU())
    model[1].forward = lambda images: images + torch.randn_like(images)
    return model


KINDS: dict[str, Callable[[], nn.Module]] = {
    "functional": Functional,
    "RReLU": lambda: around(nn.RReLU()),
    "fractional pooling": lambda: around(nn.FractionalMaxPool2d(2, output_size=5)),  # which draws in the test, too
    "a hook": hooked,
    "another forward": with_another_forward,
}


def network(kind: str) -> nn.Module:
    torch.manual_seed(0)
    return KINDS[kind]() if kind in KINDS else resnetzoo.CifarNet(THIN[kind])


def flat(model: nn.Module) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def weights(model: nn.Module, data: resnetzoo.Data, seed: int = 0) -> Tensor:
    resnetzoo.fit(model, data, TINY_RECIPE, seed=seed, device="cpu", precision="fp32", progress=False)
    return flat(model)


@pytest.mark.parametrize("kind", ["wide", "dropout", *KINDS])
def test_a_run_with_dropout_depends_on_its_seed_alone(kind: str, tiny_data: resnetzoo.Data) -> None:
    first, second = network(kind), network(kind)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    once = weights(first, tiny_data)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    assert torch.equal(weights(second, tiny_data), once)
    jobs = [resnetzoo.Job(network(kind), TINY_RECIPE, seed) for seed in (0, 1)]
    runs = list(resnetzoo.fit_many(jobs, tiny_data, device="cpu", precision="fp32", progress=False))
    beside = [flat(run.model) for run in runs]
    assert torch.equal(beside[0], once)


def test_each_step_and_process_draws_its_own_numbers() -> None:
    drawn = []
    for place in [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0)]:
        with drawing_for_step(*place, CPU):
            drawn.append(float(torch.rand(())))
    assert drawn[0] == drawn[-1]
    assert len(set(drawn)) == 4


def test_networks_without_dropout_draw_nothing() -> None:
    assert not any(may_draw(resnetzoo.CifarNet(THIN[kind])) for kind in ("four stages", "grouped", "group norm"))
    assert not may_draw(nn.Sequential(nn.Conv2d(3, 3, 1), nn.Dropout(0)))


class Fails(resnetzoo.Callback):
    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, trainer: resnetzoo.TrainerState) -> None:
        if trainer.step == self.step:
            raise RuntimeError("on purpose")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore:1 has a hook", "ignore:.* has a hook on its forward pass")
def test_an_interrupted_run_draws_the_same_numbers(kind: str, tiny_data: resnetzoo.Data, tmp_path: Path) -> None:
    def fit(*callbacks: resnetzoo.Callback, out: Path | None = None) -> resnetzoo.Run:
        torch.manual_seed(len(callbacks))
        return resnetzoo.fit(
            network(kind), tiny_data, TINY_RECIPE, device="cpu", out=out, progress=False, callbacks=callbacks
        )

    straight = fit()
    with pytest.raises(RuntimeError, match="on purpose"):
        fit(Fails(5), out=tmp_path)
    resumed = fit(out=tmp_path)
    assert torch.equal(flat(resumed.model), flat(straight.model))
    figures = [[(row.train_loss, row.test_loss, row.test_error) for row in run.epochs] for run in (straight, resumed)]
    assert figures[0] == figures[1]


def test_a_dropout_that_a_callback_turns_on_draws_by_the_step(tiny_data: resnetzoo.Data) -> None:
    class TurnOn(resnetzoo.Callback):
        def on_epoch_end(self, trainer: resnetzoo.TrainerState, row: resnetzoo.EpochRow) -> None:
            trainer.model[1].p = 0.5  # type: ignore[index]

    def fit(drawn_before: int) -> Tensor:
        torch.manual_seed(0)
        model = around(nn.Dropout(0))
        torch.manual_seed(drawn_before)
        resnetzoo.fit(model, tiny_data, TINY_RECIPE, device="cpu", progress=False, callbacks=[TurnOn()])
        return flat(model)

    assert torch.equal(fit(1), fit(2))
