"""The state of a training run: what callbacks read, and what they can request."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn

from resnetzoo.data.pair import Data
from resnetzoo.evaluation.stored_logits import StoredLogits
from resnetzoo.models.spec import ModelSpec
from resnetzoo.training.averaging import AveragedWeights
from resnetzoo.training.distributed import DistributedContext
from resnetzoo.training.recipes import Recipe
from resnetzoo.training.results import EpochRow, Run, RunIdentity, RunRecord, label_of
from resnetzoo.training.run_files import choose_run_files
from resnetzoo.training.running_metrics import RunningMetrics
from resnetzoo.training.schedules import steps_per_epoch
from resnetzoo.training.starting_point import StartingPoint
from resnetzoo.training.strategies.base import StepState
from resnetzoo.training.strategies.execution import Execution
from resnetzoo.utils.device import Precision


class TrainerState:
    """A training run in progress, as callbacks see it.

    Attributes:
        model: the network being trained; once the run has ended, with the weights of `tested_model`.
        average: the average of its weights; None if the recipe keeps none.
        spec: its spec; None for a network from elsewhere.
        name: its label, such as `resnet20`.
        data: the training and test images.
        recipe: the recipe, with its steps for this number of images.
        seed: seed of the image order and the augmentation.
        precision: precision of the steps; tests are always in fp32.
        execution: how the steps are executed; before the first steps, how it is planned.
        out: the run's folder; None if nothing is kept on disk.
        context: the processes that share the run.
        starting_point: how the run started; None if a run of an older version is resumed, which did not store it.
        began_fresh: whether it was asked to set an old run in `out` aside.
        files: writes the package's files in `out`.
        steps_per_epoch: number of steps of an epoch; the last epoch may have fewer.
        step: number of optimizer steps completed.
        lr: learning rate of the last step.
        rows: the finished epochs whose loss was found to be finite.
        metrics: sums since the epoch began, of this process if several share the run; in `on_epoch_end` those over the
            whole epoch and all processes.
        epoch_is_complete: whether the last step was the last one of its epoch.
        stop_requested: whether a callback has requested to end the run after the present epoch.
        saved_step: the step of the last saved state; None if none is kept.
        interrupted_by: the signal that ends the run after this step or epoch; None if there was no signal.
        record: the record of a run that was already finished, with its own commit and versions; otherwise None.
        logits: the test logits in the folder of a run that was already finished; otherwise None.
        result: the result of the run, once it has ended.
    """

    def __init__(
        self,
        model: nn.Module,
        spec: ModelSpec | None,
        data: Data,
        recipe: Recipe,
        *,
        seed: int,
        step_state: StepState,
        precision: Precision,
        execution: Execution,
        out: Path | None,
        context: DistributedContext,
    ) -> None:
        self.model = model
        self.average = None if recipe.ema_decay is None else AveragedWeights(model, recipe.ema_decay)
        self.spec = spec
        self.name = label_of(model, spec)
        self.data = data
        self.recipe = recipe
        self.seed = seed
        self.step_state = step_state
        self.precision = precision
        self.execution = execution
        self.out = out
        self.context = context
        self.starting_point: StartingPoint | None = StartingPoint.of(model)
        self.began_fresh = False
        self.files = choose_run_files(step_state.loader.device, context)
        self.steps_per_epoch = steps_per_epoch(len(data.train), recipe.batch_size)
        self.step = 0
        self.lr = recipe.lr
        self.rows: list[EpochRow] = []
        self.epoch_is_complete = False
        self.stop_requested = False
        self.saved_step: int | None = None
        self.interrupted_by: int | None = None
        self.record: RunRecord | None = None
        self.logits: StoredLogits | None = None
        self.result: Run | None = None

    @property
    def metrics(self) -> RunningMetrics:
        return self.step_state.metrics

    @property
    def tested_model(self) -> nn.Module:
        """The network that is tested after each epoch, with the averaged weights if there are any, or else `model`."""
        return self.model if self.average is None else self.average.model

    @property
    def finished(self) -> bool:
        """Whether all steps of the recipe are done."""
        return self.step >= self.recipe.steps

    @property
    def identity(self) -> dict[str, Any]:
        """What a stored state must agree with to belong to this run."""
        return RunIdentity(
            name=self.name,
            spec=self.spec,
            recipe=self.recipe,
            seed=self.seed,
            data=self.data.to_dict(),
            precision=self.precision,
            starting_point=self.starting_point,
        ).to_dict()

    def request_stop(self) -> None:
        """End the run after the present epoch, which is finished, tested and saved.

        `fit` then returns the run with the epochs so far, and its `stopped_early` is true. There is no `run.json`,
        since the recipe has not ended, and the same call resumes from the last checkpoint. If `on_fit_start` requests
        the stop after a finished epoch, that call trains no further and returns the same epochs. If several processes
        share the run, any of them may request it.
        """
        self.stop_requested = True

    def wait_until_written(self) -> None:
        """Wait until the checkpoint and the log submitted so far are on disk.

        On CUDA a thread writes them while training continues; on other devices they are already written.

        Raises:
            OutputError: one of them could not be written; the earlier file is unchanged.
        """
        self.files.wait()

    def interrupt(self, signal_number: int) -> None:
        """End the run with `TrainingInterrupted` once a step or epoch is saved; every process must call this.

        Callbacks of `fit` are called after this step was saved, if it was, so that the run may end with the next one.
        """
        self.interrupted_by = signal_number

    @contextmanager
    def complete_metrics(self) -> Iterator[None]:
        """A block within an epoch: the device is idle, the clock is stopped, and the metrics sum over all processes."""
        self.step_state.stream.synchronize()  # otherwise the clock would not count the work that is still queued
        self.metrics.queued.clear()
        self.metrics.stop_clock()
        with self.metrics.all_reduced(self.context):
            yield
        self.metrics.start_clock()
