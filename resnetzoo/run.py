"""What a training run leaves behind: one row an epoch, with everything that is needed to repeat it."""

from dataclasses import asdict, dataclass
from typing import Any

from torch import nn

from resnetzoo.recipes import Recipe
from resnetzoo.spec import ModelSpec


@dataclass(frozen=True)
class EpochRow:
    """One epoch.

    Attributes:
        epoch: from 1.
        step: optimizer steps done at its end.
        lr: learning rate of its last step.
        train_loss: mean loss over its augmented images while the weights moved, with the recipe's label smoothing.
        train_error: top-1 error over the same, in percent.
        test_loss: mean cross-entropy on the test set at its end, in nats.
        test_error: top-1 error on the test set at its end, in percent; always measured in fp32.
        train_seconds, test_seconds: wall time.
        images_per_second: training images over `train_seconds`.
    """

    epoch: int
    step: int
    lr: float
    train_loss: float
    train_error: float
    test_loss: float
    test_error: float
    train_seconds: float
    test_seconds: float
    images_per_second: float


@dataclass(frozen=True)
class Run:
    """A finished run of `fit`.

    Attributes:
        model: the trained network, in evaluation mode.
        name: the network's label, such as `resnet20`.
        spec: the network's spec; None for a network from elsewhere.
        recipe: as it ran on this number of images.
        seed: of order and augmentation.
        data: name, fingerprint, whether official, source and sizes of the data.
        normalization: of the network's input.
        device, precision: where and how it was computed.
        execution: how its steps ran: `eager`, `compiled`, `recorded` (as a CUDA graph), both, or `shared`.
        processes: that shared it.
        versions, commit: of the software.
        epochs: one row each; the last is the result.
    """

    model: nn.Module
    name: str
    spec: ModelSpec | None
    recipe: Recipe
    seed: int
    data: dict[str, Any]
    normalization: dict[str, Any]
    device: str
    precision: str
    execution: str
    processes: int
    versions: dict[str, str]
    commit: str | None
    epochs: tuple[EpochRow, ...]

    @property
    def wall_seconds(self) -> float:
        """Training and testing, summed over all sessions of the run."""
        return sum(row.train_seconds + row.test_seconds for row in self.epochs)

    def to_dict(self) -> dict[str, Any]:
        """Everything but the weights, ready for JSON."""
        return {
            "name": self.name,
            "spec": self.spec.to_dict() if self.spec else None,
            "recipe": self.recipe.to_dict(),
            "seed": self.seed,
            "data": self.data,
            "normalization": self.normalization,
            "device": self.device,
            "precision": self.precision,
            "execution": self.execution,
            "processes": self.processes,
            "versions": self.versions,
            "commit": self.commit,
            "wall_seconds": round(self.wall_seconds, 2),
            "epochs": [asdict(row) for row in self.epochs],
        }
