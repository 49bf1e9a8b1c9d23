"""Settings of modules that a callback changes hold from the next epoch on, however the steps run."""

from dataclasses import replace

import pytest
import torch
from marks import slow_if_in
from op_recorder import OpRecorder
from torch import nn

import resnetzoo
from resnetzoo.training.averaging import AveragedWeights
from resnetzoo.training.batchnorm import with_summed_batchnorm
from resnetzoo.training.module_settings import ModuleSettings
from resnetzoo.training.strategies import base

RECIPE = resnetzoo.Recipe(
    "SHORT", steps=20, epochs=None, lr=0.05, schedule=resnetzoo.recipes.StepDecay((8, 14)), batch_size=10
)  # four batches of 10 and one of 8 an epoch


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.LeakyReLU(0.3),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 10),
    )


def soften(model: nn.Module) -> None:
    norm, relu = model[1], model[2]  # type: ignore[index]
    norm.eps, norm.momentum, relu.negative_slope = 0.5, 0.3, 1.0


CHANGES = {"settings": soften, "what learns": lambda model: model[0].requires_grad_(False)}


class ChangesOnce(resnetzoo.Callback):
    def __init__(self, kind: str) -> None:
        self.kind = kind

    def on_epoch_end(self, trainer: resnetzoo.TrainerState, row: resnetzoo.EpochRow) -> None:
        if row.epoch == 2:
            CHANGES[self.kind](trainer.model)


def fit(data: resnetzoo.Data, *kinds: str, compiled: bool = False, ema: float | None = None) -> resnetzoo.Run:
    return resnetzoo.fit(
        network(),
        data,
        replace(RECIPE, ema_decay=ema),
        device="cpu",
        precision="fp32",
        compile=compiled,
        progress=False,
        callbacks=[ChangesOnce(kind) for kind in kinds],
    )


def assert_same(run: resnetzoo.Run, expected: resnetzoo.Run) -> None:
    for row, wanted in zip(run.epochs, expected.epochs, strict=True):
        found = (row.train_loss, row.test_loss)
        assert found == pytest.approx((wanted.train_loss, wanted.test_loss), rel=1e-4), row.epoch
    for name, value in expected.model.state_dict().items():
        torch.testing.assert_close(run.model.state_dict()[name], value, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("kind", CHANGES)
@pytest.mark.parametrize("way", slow_if_in(["compiled"], ["compiled", "recorded"]))
def test_a_change_holds_from_the_next_epoch_on(
    kind: str, way: str, tiny_data: resnetzoo.Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, unchanged = fit(tiny_data, kind), fit(tiny_data)
    assert expected.epochs[-1].train_loss != pytest.approx(unchanged.epochs[-1].train_loss, rel=1e-4)
    recorder = OpRecorder()
    if way == "recorded":
        monkeypatch.setattr(base, "recorder_for", lambda stream: recorder)
    run = fit(tiny_data, kind, compiled=way == "compiled")
    assert run.execution == way
    assert_same(run, expected)
    if way == "recorded":  # whole batches, short ones and tests, each of them twice
        assert recorder.recorded == 6
        fit(tiny_data)
        assert recorder.recorded == 6 + 3


def test_the_averaged_network_gets_the_change(tiny_data: resnetzoo.Data) -> None:
    model = network()
    average = AveragedWeights(model, 0.5)
    soften(model)
    model.train()
    average.begin_epoch()
    assert (average.model[1].eps, average.model[2].negative_slope) == (0.5, 1.0)  # type: ignore[index]
    assert not any(module.training for module in average.model.modules())
    run = fit(tiny_data, "settings", ema=1e-6)  # whose average is the last weights
    assert run.epochs[-1].test_loss == pytest.approx(fit(tiny_data, "settings").epochs[-1].test_loss, rel=1e-3)


def test_a_twin_gets_what_changed_and_keeps_the_rest() -> None:
    model = network()
    twin = with_summed_batchnorm(model)
    settings = ModuleSettings(model, twin)
    twin[2].calls = 7  # type: ignore[index]  # as the twin's own forward pass may count
    assert not settings.carry_over()
    soften(model)
    model[1].eval()
    assert settings.carry_over()
    norm, relu = twin[1], twin[2]  # type: ignore[index]
    assert (norm.eps, norm.momentum, norm.training, relu.negative_slope, relu.calls) == (0.5, 0.3, False, 1.0, 7)
    assert not settings.carry_over()
