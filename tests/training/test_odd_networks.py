"""Networks from elsewhere with ways of their own, which plain torch trains."""

import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from cases import TINY_RECIPE
from marks import slow_if_in
from torch import Tensor, nn

import resnetzoo
from resnetzoo.training.strategies import choose


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.norm, self.fc = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 10)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.fc(self.norm(self.conv(images)).relu().mean((2, 3)))
        return logits


class ReturnsNothing(Small):
    """Keeps its norm in evaluation mode, as much code for fine-tuning does, without `return self`."""

    def train(self, mode: bool = True) -> None:  # type: ignore[override]
        super().train(mode)
        self.norm.eval()


class Locked(Small):
    """Holds what no copy can hold."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()


def fit(
    model: nn.Module,
    data: resnetzoo.Data,
    recipe: resnetzoo.Recipe = TINY_RECIPE,
    **choices: Any,
) -> resnetzoo.Run:
    return resnetzoo.fit(model, data, recipe, device="cpu", precision="fp32", progress=False, **choices)


@pytest.mark.parametrize("way", slow_if_in(["compiled"], ["plain", "averaged", "hooked", "compiled"]))
def test_a_network_whose_train_returns_nothing(way: str, tiny_data: resnetzoo.Data) -> None:
    model = ReturnsNothing()
    if way == "hooked":
        model.conv.register_forward_hook(lambda *_: None)
    recipe = TINY_RECIPE.with_settings(ema_decay=0.5 if way == "averaged" else None)
    run = fit(model, tiny_data, recipe, compile=way == "compiled")
    assert run.epochs[-1].step == TINY_RECIPE.steps
    assert model.norm.num_batches_tracked == 0
    assert resnetzoo.evaluate(model, tiny_data.test).error == run.epochs[-1].test_error


@pytest.mark.parametrize("asked", [True, None])
def test_a_network_that_cannot_be_copied_is_trained_uncompiled(
    asked: bool | None, tiny_data: resnetzoo.Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = fit(Small(), tiny_data, compile=False)
    monkeypatch.setattr(choose, "compiling_pays", lambda device, images: True)
    with pytest.warns(UserWarning, match="continues uncompiled, .* because Locked cannot be copied .*TypeError"):
        run = fit(Locked(), tiny_data, compile=asked)
    assert run.execution == "eager"
    assert torch.equal(run.model.conv.weight, expected.model.conv.weight)


class Detached(Small):
    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images).detach()


class OnlyUnusedLearns(Small):
    def __init__(self) -> None:
        super().__init__()
        self.requires_grad_(False)
        self.unused = nn.Linear(2, 2)


@pytest.mark.parametrize("kind", [Detached, OnlyUnusedLearns])
def test_logits_that_no_learning_weight_changes_are_refused_before_anything_is_written(
    kind: type[nn.Module], tiny_data: resnetzoo.Data, tmp_path: Path
) -> None:
    with pytest.raises(resnetzoo.UsageError, match=f"logits of this {kind.__name__} depend on no weight that learns"):
        fit(kind(), tiny_data, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_another_default_type_changes_nothing(dtype: torch.dtype, tiny_data: resnetzoo.Data) -> None:
    expected = fit(Small(), tiny_data)
    model = Small()
    torch.set_default_dtype(dtype)
    try:
        run = fit(model, tiny_data)
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(run.model.conv.weight, expected.model.conv.weight)
