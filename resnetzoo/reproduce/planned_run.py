"""One run of a plan, and its progress."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from resnetzoo.data.pair import Data
from resnetzoo.errors import CheckpointError, DamagedCheckpointError
from resnetzoo.models.builders import fresh_network
from resnetzoo.models.cifar_net import CifarNet
from resnetzoo.models.spec import ModelSpec
from resnetzoo.training.recipes import Recipe
from resnetzoo.training.results import RunIdentity, RunRecord, read_record
from resnetzoo.training.run_folder import another_folder, check_identity, check_start
from resnetzoo.training.starting_point import StartingPoint
from resnetzoo.utils.device import Precision
from resnetzoo.utils.files import is_there
from resnetzoo.utils.run_names import CHECKPOINT, PREVIOUS, RUN_FILE
from resnetzoo.weights.checkpoint.training_state import read_checkpoint


@dataclass(frozen=True)
class PlannedRun:
    """One run of a target.

    Attributes:
        spec: spec of the network, with the classes of the data.
        recipe: recipe for this number of training images.
        seed: seed of the weights, the order of the images and the augmentation.
        folder: where the run is kept.
    """

    spec: ModelSpec
    recipe: Recipe
    seed: int
    folder: Path

    @property
    def label(self) -> str:
        """Its name in progress lines, such as `resnet20 QUICK20 seed 0`."""
        return f"{self.spec.label} {self.recipe.name} seed {self.seed}"

    def build(self) -> CifarNet:
        """The network with its initial weights."""
        return fresh_network(self.spec, self.seed)

    @cached_property
    def starting_point(self) -> StartingPoint:
        """The starting point of the network as built."""
        return StartingPoint.of(self.build())


def steps_done(run: PlannedRun, data: Data, precision: Precision) -> int:
    """The number of completed steps, from the checkpoint in the run's folder.

    Raises:
        CheckpointMismatchError: the folder holds another run, or one on other data.
        CheckpointError: a checkpoint in it cannot be read.
    """
    for path in (run.folder / CHECKPOINT, run.folder / PREVIOUS):
        if not is_there(path):
            continue
        try:
            checkpoint = read_checkpoint(path)
        except DamagedCheckpointError:  # the trainer will report it
            continue
        start = StartingPoint.in_identity(checkpoint.identity)
        _check_same_run(run, data, precision, checkpoint.identity, checkpoint.part, start)
        return checkpoint.step
    return 0


def finished(run: PlannedRun, data: Data, precision: Precision) -> RunRecord | None:
    """The record of the finished run; None if it is not finished, or ended in NaN, which is not a result.

    Raises:
        ResultsError: its `run.json` was changed by hand or is damaged.
        CheckpointMismatchError: the folder holds another run, or one on other data.
    """
    path = run.folder / RUN_FILE
    if not is_there(path):
        return None
    record = read_record(path)
    _check_same_run(run, data, precision, record.identity, record.data["part"], record.starting_point)
    return None if record.diverged else record


def advice_for_runs(message: str, run: PlannedRun) -> str:
    """The message of an error of `fit` with advice on the run's folder that users of `reproduce` can follow."""
    advice = "Move that folder away, or choose another one for the runs: --runs, in Python runs="
    return message.replace(another_folder(run.folder), advice)


def _check_same_run(
    run: PlannedRun,
    data: Data,
    precision: Precision,
    identity: dict[str, Any],
    part: str,
    start: StartingPoint | None,
) -> None:
    """Refuse what is in the run's folder, by its identity, part of the data and starting point, if it is another run.

    Raises:
        CheckpointError: it is another run.
    """
    try:
        check_identity(identity, _identity(run, data, precision), run.folder, (part, data.part))
        check_start(start, run.starting_point, run.folder)
    except CheckpointError as error:
        error.args = (advice_for_runs(str(error), run),)
        raise


def _identity(run: PlannedRun, data: Data, precision: Precision) -> dict[str, object]:
    return RunIdentity(
        name=run.spec.label,
        spec=run.spec,
        recipe=run.recipe,
        seed=run.seed,
        data=data.to_dict(),
        precision=precision,
    ).to_dict()
