"""What test_foreign_ranks runs by torchrun: networks from elsewhere; each process writes its figures as JSON."""

import json
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

import resnetzoo

RANK = int(os.environ.get("RANK", "0"))
RECIPE = resnetzoo.Recipe("TWELVE", 12, None, 0.05, resnetzoo.recipes.OneCycle(), batch_size=16)


class OwnForward(nn.BatchNorm2d):
    """As timm's `BatchNormAct2d`: a subclass whose forward pass is its own."""

    def forward(self, x: Tensor) -> Tensor:
        y = functional.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, self.training)
        return y.relu()


def convolutional(norm: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 8, 3, padding=1), norm, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2)]
    return nn.Sequential(*layers)


def of_features() -> nn.Sequential:
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(16)
    return nn.Sequential(nn.Flatten(), nn.Linear(432, 16), norm, nn.ReLU(), nn.Linear(16, 2))


class Metrics(resnetzoo.Callback):
    """Reads the metrics in every hook."""

    def __init__(self) -> None:
        self.steps: list[tuple[float, float]] = []
        self.epochs: list[tuple[float, float]] = []

    def on_step_end(self, trainer: resnetzoo.TrainerState) -> None:
        self.steps.append((trainer.metrics.mean_loss(), trainer.metrics.error()))

    def on_epoch_end(self, trainer: resnetzoo.TrainerState, row: resnetzoo.EpochRow) -> None:
        assert (trainer.metrics.mean_loss(), trainer.metrics.error()) == (row.train_loss, row.train_error)
        self.epochs.append((row.train_loss, row.train_error))


def data_of(count: int) -> resnetzoo.Data:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (count + 40, 3, 12, 12), dtype=torch.uint8, generator=generator)
    both = resnetzoo.ImageSet(images, torch.arange(count + 40) % 2, classes=("a", "b"))
    train, test = both.select(slice(count)), both.select(slice(count, None))
    return resnetzoo.Data("mine", train, test, official=False, source="x")


def train(model: nn.Module, *callbacks: resnetzoo.Callback, **options: Any) -> dict[str, float | str]:
    try:
        run = resnetzoo.fit(
            model,
            data_of(64),
            RECIPE,
            device="cpu",
            precision="fp32",
            progress=False,
            callbacks=list(callbacks),
            **options,
        )
    except resnetzoo.ResnetzooError as error:
        return {"error": str(error)}
    return {"loss": run.epochs[-1].train_loss, "test": run.epochs[-1].test_loss}


def with_metrics(**options: Any) -> dict[str, Any]:
    metrics = Metrics()
    train(convolutional(nn.BatchNorm2d(8)), metrics, **options)
    return {"steps": metrics.steps, "epochs": metrics.epochs}


REFUSED: dict[str, Callable[[], dict[str, Any]]] = {
    "features": lambda: train(of_features()),
    "own forward": lambda: train(convolutional(OwnForward(8))),
    "cumulative": lambda: train(convolutional(nn.BatchNorm2d(8, momentum=None))),
    "without scale": lambda: train(convolutional(nn.BatchNorm2d(8, affine=False))),
    "without running statistics": lambda: train(convolutional(nn.BatchNorm2d(8, track_running_stats=False))),
}
RUNS: dict[str, Callable[[], dict[str, Any]]] = {
    "norm of each image": lambda: train(convolutional(nn.GroupNorm(2, 8))),
    "metrics": with_metrics,
    "metrics and checkpoints": lambda: with_metrics(out=Path("checkpoints"), checkpoint_every=2),
    **REFUSED,
}

if __name__ == "__main__":
    torch.set_num_threads(1)
    warnings.simplefilter("error")
    figures = {name: run() for name, run in RUNS.items()}
    Path(sys.argv[1]).with_suffix(f".{RANK}.json").write_text(json.dumps(figures))
