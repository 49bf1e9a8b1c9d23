"""What a step draws, as for dropout, follows from the run's seed and the step, and from nothing else."""

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


def network(kind: str) -> nn.Module:
    torch.manual_seed(0)
    return Functional() if kind == "functional" else resnetzoo.CifarNet(THIN[kind])


def flat(model: nn.Module) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def weights(model: nn.Module, data: resnetzoo.Data, seed: int = 0) -> Tensor:
    resnetzoo.fit(model, data, TINY_RECIPE, seed=seed, device="cpu", precision="fp32", progress=False)
    return flat(model)


@pytest.mark.parametrize("kind", ["wide", "dropout", "functional"])
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
