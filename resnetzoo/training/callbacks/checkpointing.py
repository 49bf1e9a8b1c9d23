"""A run's state on disk: resumed if the folder has one, written after each epoch and after a set number of steps."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from resnetzoo.errors import CheckpointError, CheckpointMismatchError, UsageError
from resnetzoo.training.callbacks.base import Callback
from resnetzoo.training.callbacks.finite import check_finite, largest_weights
from resnetzoo.training.extending import begin_extension, explain_extension, is_extended_by
from resnetzoo.training.lost_checkpoint import check_nothing_left
from resnetzoo.training.optimizer import load_momentum
from resnetzoo.training.results import EpochRow, Run
from resnetzoo.training.run_folder import another_folder, check_identity, check_start, read_latest, save_checkpoint
from resnetzoo.training.same_run import check_same
from resnetzoo.training.set_aside import set_aside
from resnetzoo.training.starting_point import StartingPoint
from resnetzoo.training.trainer_state import TrainerState
from resnetzoo.utils.run_names import CHECKPOINT
from resnetzoo.utils.text import first_line
from resnetzoo.weights.checkpoint.training_state import Checkpoint, read_checkpoint, state_weights


class Checkpointing(Callback):
    """Keeps `checkpoint.pt` in the run's folder.

    `trainer.files` writes it: before the hook returns, or on CUDA while training continues. If a write fails, the next
    hook raises its error, and the end of a run waits for writes in progress.

    Args:
        folder: the run's folder.
        every: also save after this many steps; None saves only at the end of each epoch and when the run is
            interrupted.
        fresh: whether to set an old run in the folder aside.
        extends: whether the recipe extends the finished run in the folder.
    """

    def __init__(self, folder: Path, every: int | None = None, *, fresh: bool = False, extends: bool = False) -> None:
        self.folder = folder
        self.every = every
        self.fresh = fresh
        self.extends = extends

    def on_fit_start(self, trainer: TrainerState) -> None:
        """Resume from the state in the folder, or write the first one, so that an unwritable folder is noticed now."""
        check_same(trainer.context, {"checkpoint_every": self.every, "fresh": self.fresh})
        trainer.began_fresh = self.fresh
        if self.fresh:
            trainer.context.from_rank_zero(lambda: _say_aside(set_aside(self.folder), self.folder))
        model, optimizer = trainer.model, trainer.step_state.optimizer
        momentum = list(model.parameters())  # the first step makes buffers like them
        trainer.files.snapshots.reserve([_network_states(trainer), optimizer.state_dict(), momentum])
        # The other processes may not have this folder, or may look after the first one has already written to it.
        checkpoint = trainer.context.from_rank_zero(lambda: self._find_own(trainer))
        if checkpoint is None:
            self._save(trainer)
            trainer.files.wait()
            if trainer.spec is None:  # before hours of training, since a network from elsewhere may hold anything
                trainer.context.from_rank_zero(self._check_readable)
            return
        trainer.starting_point = StartingPoint.in_identity(checkpoint.identity)
        trainer.step = trainer.saved_step = checkpoint.step
        trainer.rows = [EpochRow.from_dict(row) for row in checkpoint.rows]
        self._load_weights(trainer, checkpoint)
        load_momentum(trainer.step_state.optimizer, checkpoint.optimizer)
        trainer.metrics.load_state_dict(checkpoint.totals)
        trainer.metrics.keep_on_main(trainer.context)

    def on_step_end(self, trainer: TrainerState) -> None:
        trainer.files.check()
        due = self.every is not None and trainer.step % self.every == 0
        if (due or trainer.interrupted_by) and not trainer.epoch_is_complete:
            with trainer.complete_metrics():
                self._save(trainer)

    def on_epoch_end(self, trainer: TrainerState, row: EpochRow) -> None:
        self._save(trainer)

    def on_fit_end(self, trainer: TrainerState, run: Run) -> None:
        """Wait for the last checkpoint and the log, before `run.json` is written and `fit` returns."""
        trainer.files.wait()

    def on_exception(self, trainer: TrainerState, error: BaseException) -> None:
        """Finish writes in progress; if one fails, its error takes precedence."""
        try:
            trainer.files.wait()
        except Exception as unwritten:
            if unwritten is not error:
                raise unwritten from error

    def _find_own(self, trainer: TrainerState) -> Checkpoint | None:
        """The state in the folder, after checking that it belongs to this run.

        Raises:
            CheckpointMismatchError: it belongs to another run.
            CheckpointError: the state cannot be read, or there is none but other files that this run would overwrite.
        """
        checkpoint = read_latest(self.folder)
        if checkpoint is None:
            check_nothing_left(self.folder)
            return None
        found, recipe = checkpoint.identity, trainer.recipe
        begins = self.extends and is_extended_by(checkpoint, recipe)
        stored, parts = {**found, "recipe": recipe.to_dict()} if begins else found, (checkpoint.part, trainer.data.part)
        check_identity(stored, trainer.identity, self.folder, parts)
        self._check_shapes(trainer, checkpoint)
        start = StartingPoint.in_identity(found)
        check_start(start, trainer.starting_point, self.folder, checkpoint.networks.values())
        if begins:
            checkpoint = begin_extension(checkpoint, recipe, self.folder, trainer.steps_per_epoch)
        if recipe.extended_at and checkpoint.step < recipe.steps:
            print(explain_extension(recipe, trainer.steps_per_epoch))
        return checkpoint

    def _check_readable(self) -> None:
        """Refuse a network whose state dict could not be read back without running code from the file.

        Raises:
            UsageError: it could not; the message says what is in it.
        """
        try:
            read_checkpoint(self.folder / CHECKPOINT)
        except CheckpointError as error:
            raise UsageError(
                f"the network's state_dict() holds what could not be read back ({error}): let get_extra_state() "
                f"return only tensors and plain values, or omit out=; delete {self.folder / CHECKPOINT} before you try "
                "again"
            ) from error

    def _check_shapes(self, trainer: TrainerState, checkpoint: Checkpoint) -> None:
        """Refuse the weights of another network before any of them is loaded into this one.

        Raises:
            CheckpointMismatchError: a tensor has another shape; the message names it.
        """
        stored, own = (_shapes(state) for state in (checkpoint.model, trainer.model.state_dict()))
        differing = [name for name in own if name in stored and stored[name] != own[name]]
        if differing:
            name = differing[0]
            raise CheckpointMismatchError(
                f"{self.folder} holds the weights of another network: {name} is {stored[name]} there, {own[name]} "
                f"here. {another_folder(self.folder)}"
            )

    def _load_weights(self, trainer: TrainerState, checkpoint: Checkpoint) -> None:
        stored = checkpoint.networks
        try:
            for key, network in _networks(trainer).items():
                network.load_state_dict(stored.get(key, {}) if trainer.spec is None else state_weights(checkpoint, key))
        except RuntimeError as error:
            raise CheckpointMismatchError(
                f"{self.folder} holds the weights of another network ({first_line(error)}). "
                f"{another_folder(self.folder)}"
            ) from error

    def _save(self, trainer: TrainerState) -> None:
        checkpoint = checkpoint_of(trainer)
        # The loss of a step says nothing yet about the weights after it.
        check_finite(trainer, checkpoint.totals["loss"], *largest_weights(trainer.model))

        def write(tensors: dict[str, Any]) -> None:
            save_checkpoint(replace(checkpoint, **tensors), self.folder)

        tensors = {**checkpoint.networks, "optimizer": checkpoint.optimizer}
        trainer.context.from_rank_zero(lambda: trainer.files.save(tensors, write))
        trainer.saved_step = trainer.step


def checkpoint_of(trainer: TrainerState) -> Checkpoint:
    """The state of a run between two steps."""
    return Checkpoint(
        identity=trainer.identity,
        step=trainer.step,
        **_network_states(trainer),
        optimizer=trainer.step_state.optimizer.state_dict(),
        normalization=trainer.step_state.loader.normalization,
        rows=[asdict(row) for row in trainer.rows],
        totals=trainer.metrics.no_images() if trainer.epoch_is_complete else trainer.metrics.state_dict(),
        classes=trainer.data.classes,
        part=trainer.data.part,
    )


def _networks(trainer: TrainerState) -> dict[str, nn.Module]:
    """The networks of a run, by their keys in its checkpoint."""
    return {"model": trainer.model, **({} if trainer.average is None else {"model_ema": trainer.average.model})}


def _network_states(trainer: TrainerState) -> dict[str, dict[str, Any]]:
    return {key: network.state_dict() for key, network in _networks(trainer).items()}


def _say_aside(aside: Path | None, folder: Path) -> None:
    if aside is not None:
        print(f"what was in {folder} is in {aside} now")


def _shapes(state: Mapping[str, object]) -> dict[str, list[int]]:
    return {name: list(value.shape) for name, value in state.items() if isinstance(value, Tensor)}
