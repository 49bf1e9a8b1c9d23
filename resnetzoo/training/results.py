"""The results of a training run: one row per epoch, with everything needed to repeat it."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resnetzoo.errors import ResultsError
from resnetzoo.models.spec import ModelSpec
from resnetzoo.training.recipes import Recipe
from resnetzoo.training.starting_point import StartingPoint
from resnetzoo.training.strategies.execution import Execution
from resnetzoo.utils.checksummed_json import MOVE_AWAY, read_checksummed
from resnetzoo.utils.paths import user_path

if TYPE_CHECKING:
    from torch import nn

    from resnetzoo.evaluation.stored_logits import StoredLogits


_TIMES = ("train_seconds", "test_seconds", "images_per_second")


@dataclass(frozen=True)
class EpochRow:
    """One epoch.

    Attributes:
        epoch: number of the epoch, from 1.
        step: optimizer steps completed at its end.
        lr: learning rate of its last step.
        train_loss: mean loss over its augmented images during training, with the recipe's label smoothing.
        train_error: top-1 error over the same images, in percent; for an image mixed from two, against the label with
            the larger share.
        test_loss: mean cross-entropy on the test set at its end, in nats; NaN if the network overflowed. With
            `ema_decay` the averaged network is tested.
        test_error: top-1 error on the test set at its end, in percent; always measured in fp32.
        train_seconds: wall time of training.
        test_seconds: wall time of the test.
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

    @property
    def figures(self) -> dict[str, float | None]:
        """Everything but the times, which differ when an epoch is repeated; NaN, unequal to itself, becomes None."""
        values = {field: float(value) for field, value in asdict(self).items() if field not in _TIMES}
        return {field: None if math.isnan(value) else value for field, value in values.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "EpochRow":
        """The row that `asdict` described; None, which stands for NaN in JSON, and infinity become NaN."""
        return cls(**{field: math.nan if value in (None, math.inf) else value for field, value in values.items()})  # type: ignore[arg-type]


def label_of(model: "nn.Module", spec: ModelSpec | None) -> str:
    """The name of a network in results: its spec's label, such as `resnet20`, or else the name of its class.

    A network that was changed so that no spec describes it is named after what it was built as: `resnet20, changed`.
    """
    built = getattr(model, "spec", None)
    if spec is None and isinstance(built, ModelSpec):
        return f"{built.label}, changed"
    return spec.label if spec else type(model).__name__


def folder_name(name: str, shortcut: str | None, recipe: Recipe, seed: int) -> str:
    """The name of a run's folder, such as `resnet20-projection-QUICK20-seed0`."""
    return "-".join([name, *([shortcut] if shortcut else []), recipe.name, f"seed{seed}"])


IDENTIFYING = ("name", "fingerprint", "fingerprint_v1")
"""The fields of the data that must be equal; earlier versions stored only the fingerprint of version 1."""


@dataclass(frozen=True, kw_only=True)
class RunIdentity:
    """What two runs must share for one to resume where the other stopped.

    Attributes:
        name: name of the network.
        spec: spec of the network; None for one from elsewhere, which is identified by its name.
        recipe: the recipe, with its steps for this number of images.
        seed: seed of the image order and the augmentation.
        data: at least the name and the fingerprints of the data.
        precision: precision of the steps.
        starting_point: the initial weights, and which of them are frozen; None in files of versions that did not store
            it.
    """

    name: str
    spec: ModelSpec | None
    recipe: Recipe
    seed: int
    data: Mapping[str, Any]
    precision: str
    starting_point: StartingPoint | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as checkpoints store them."""
        return {
            "spec": self.spec.to_dict() if self.spec else {"class": self.name},
            "recipe": self.recipe.to_dict(),
            "seed": self.seed,
            "data": {field: self.data[field] for field in IDENTIFYING if field in self.data},
            "precision": self.precision,
            **({"starting_point": self.starting_point.to_dict()} if self.starting_point else {}),
        }


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """The record of a finished run: everything except the weights.

    Attributes:
        name: the network's label, such as `resnet20`.
        spec: the network's spec; None for a network from elsewhere.
        recipe: the recipe, with its steps for this number of images.
        seed: seed of the image order and the augmentation.
        data: name, fingerprints, source and sizes of the data, and whether they are the official ones.
        normalization: the normalization of the network's input.
        device: the device of the run; a CPU with its number of threads.
        precision: precision of the steps.
        execution: how the steps ran: `eager`, `compiled`, `recorded` (as a CUDA graph), `compiled and recorded`, or
            `shared` (by several processes).
        processes: number of processes that shared the run.
        versions: versions of the software.
        commit: the commit of this package, if it is known.
        epochs: one row per epoch; the last one is the result.
        peak_memory_bytes: peak memory of tensors on the device, counted from when the run was started or last resumed.
            For runs side by side it is the memory of all of them, counted from when the first one started, since
            devices do not count by run. None on a CPU, which does not count memory, and in older files.
        tf32: whether steps and tests could use TF32 for fp32; never true on a CPU, nor with this version on CUDA.
        starting_point: the initial weights, and which of them were frozen; None in older files.
    """

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
    peak_memory_bytes: int | None = None
    tf32: bool = False
    starting_point: StartingPoint | None = None

    @property
    def identity(self) -> dict[str, Any]:
        """What another run must share to count as the same run."""
        return RunIdentity(
            name=self.name,
            spec=self.spec,
            recipe=self.recipe,
            seed=self.seed,
            data=self.data,
            precision=self.precision,
            starting_point=self.starting_point,
        ).to_dict()

    @property
    def compiled(self) -> bool:
        """Whether its steps ran compiled."""
        return Execution.parse(self.execution).compiled

    @property
    def recorded(self) -> bool:
        """Whether its steps were replayed as a CUDA graph."""
        return Execution.parse(self.execution).recorded

    @property
    def diverged(self) -> bool:
        """Whether the last test loss is infinite or NaN, in which case the error is meaningless."""
        return bool(self.epochs) and not math.isfinite(self.epochs[-1].test_loss)

    @property
    def stopped_early(self) -> bool:
        """Whether a callback ended the run before the last step of its recipe, with `request_stop`."""
        return not self.epochs or self.epochs[-1].step < self.recipe.steps

    @property
    def wall_seconds(self) -> float:
        """Seconds of training and testing, summed over all sessions of the run."""
        return sum(row.train_seconds + row.test_seconds for row in self.epochs)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; `from_dict` reads them back."""
        recipe = self.recipe.to_dict()
        return {
            "name": self.name,
            "spec": self.spec.to_dict() if self.spec else None,
            # A recipe without clipping is stored as in versions that could not clip.
            "recipe": {field: value for field, value in recipe.items() if field != "clip_norm" or value is not None},
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
            "peak_memory_bytes": self.peak_memory_bytes,
            "tf32": self.tf32,
            **({"starting_point": self.starting_point.to_dict()} if self.starting_point else {}),
            "epochs": [asdict(row) for row in self.epochs],
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "RunRecord":
        """The record that `to_dict` described."""
        rest = {key: value for key, value in values.items() if key != "wall_seconds"}  # computed from the epochs
        spec = ModelSpec.from_dict(values["spec"]) if values["spec"] else None
        return RunRecord(
            **{
                **rest,
                "name": _present_label(values["name"], spec),
                "spec": spec,
                "recipe": Recipe.from_dict(values["recipe"]),
                "starting_point": StartingPoint.from_dict(values["starting_point"])
                if values.get("starting_point")
                else None,
                "epochs": tuple(EpochRow.from_dict(row) for row in values["epochs"]),
            }
        )


def _present_label(name: str, spec: ModelSpec | None) -> str:
    """The name of a record; a label of an earlier version, which said less about the architecture, is completed."""
    if spec is None:
        return name
    (stored, *notes), (known, *others) = (re.split(r" \(|, |\)", label) for label in (name, spec.label))
    return spec.label if stored == known and set(notes) <= {*others, ""} else name


@dataclass(frozen=True, kw_only=True)
class Run(RunRecord):
    """A finished run of `fit`.

    Attributes:
        model: the trained network, in evaluation mode; with the averaged weights if the recipe averages them.
        logits: the final test logits, as `load_logits(out)` reads them; None if the last test loss was not finite, or
            if a finished run was read from a folder without them.
    """

    model: "nn.Module"
    logits: "StoredLogits | None" = field(default=None, compare=False, repr=False)


def read_record(path: Path) -> RunRecord:
    """Read the record in a run's `run.json`.

    Raises:
        ResultsError: the file is missing, damaged, edited by hand, or written by a version with other fields.
    """
    return _record_of(read_checksummed(path), path)


def read_own_record(path: Path, rows: Sequence[EpochRow]) -> RunRecord:
    """The record in a run's `run.json`, after comparing its epochs with those of the run's checkpoint.

    Raises:
        ResultsError: as `read_record`, or the record is of another run.
    """
    record = read_record(path)
    for recorded, own in zip_longest(record.epochs, rows):
        if recorded is None or own is None or recorded.figures != own.figures:
            epoch = (recorded or own).epoch
            raise ResultsError(
                f"{path} is the record of another run than the checkpoint beside it: they differ in epoch {epoch}; "
                "put the original back, or move the file away to have it made again"
            )
    return record


def read_records(path: str | Path) -> list[RunRecord]:
    """The records in a `results.json`, or the one in a `run.json`; the errors are those of `read_record`."""
    path = user_path(path)
    values = read_checksummed(path)
    return [_record_of(run, path) for run in values.get("runs", [values])]


def _record_of(values: dict[str, Any], path: Path) -> RunRecord:
    try:
        return RunRecord.from_dict(values)
    except (KeyError, TypeError) as error:
        raise ResultsError(f"{path}: not a run as this version writes it ({error}); {MOVE_AWAY}") from error
