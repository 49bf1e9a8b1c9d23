"""Where a training run stands: what callbacks read, and what they may ask of it."""

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
        model: the network that learns; once the run has come to its end, with the weights of `tested_model`.
        average: the average of its weights; None where the recipe keeps none.
        spec: its spec; None for a network from elsewhere.
        name: its label, such as `resnet20`.
        data: what it learns from and is measured on.
        recipe: as it runs on this number of images.
        seed: of order and augmentation.
        precision: of the steps; tests are always in fp32.
        execution: how the steps are carried out; before the first ones, how they are planned to be.
        out: the run's folder; None where nothing is kept on disk.
        context: the processes that share the run.
        starting_point: what it began with; None where a run of an older version goes on, which did not keep it.
        files: writes what the package keeps in `out`.
        steps_per_epoch: the last epoch may have fewer.
        step: optimizer steps done.
        lr: learning rate of the last step.
        rows: the finished epochs, each once its loss was found finite.
        metrics: sums since the epoch began; in a run of several processes, those of this one.
        epoch_is_complete: the last step was its epoch's last one.
        stop_requested: a callback has asked to end the run behind the present epoch.
        interrupted_by: the signal that ends the run behind this step or epoch; None most often.
        record: of a run that was finished before, by its own commit and versions.
        logits: the test logits in the folder of a run that was finished before.
        result: what the run came to, once it has ended.
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
        self.files = choose_run_files(step_state.loader.device, context)
        self.steps_per_epoch = steps_per_epoch(len(data.train), recipe.batch_size)
        self.step = 0
        self.lr = recipe.lr
        self.rows: list[EpochRow] = []
        self.epoch_is_complete = False
        self.stop_requested = False
        self.interrupted_by: int | None = None
        self.record: RunRecord | None = None
        self.logits: StoredLogits | None = None
        self.result: Run | None = None

    @property
    def metrics(self) -> RunningMetrics:
        return self.step_state.metrics

    @property
    def tested_model(self) -> nn.Module:
        """The network that is measured at each epoch's end, with the average of the weights; or else `model` itself."""
        return self.model if self.average is None else self.average.model

    @property
    def finished(self) -> bool:
        """Whether all steps of the recipe are done."""
        return self.step >= self.recipe.steps

    @property
    def identity(self) -> dict[str, Any]:
        """What must agree for a state to be this run's."""
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
        """End the run early and in good order: behind the present epoch, which is finished, tested and saved.

        `fit` then returns the run with the epochs so far, and its `stopped_early` is true. There is no `run.json`,
        since the recipe has not come to its end, and the same call goes on from the last checkpoint; asked in
        `on_fit_start` behind a finished epoch, that call trains no further and returns the same epochs. Any process of
        several may ask.
        """
        self.stop_requested = True

    def wait_until_written(self) -> None:
        """Wait until the checkpoint and the log that were asked for so far are on disk.

        On CUDA a thread writes them while training goes on; elsewhere they are there already.

        Raises:
            OutputError: one of them could not be written; what stood there before is as it was.
        """
        self.files.wait()

    def interrupt(self, signal_number: int) -> None:
        """End the run by `TrainingInterrupted` once this step or epoch is saved; every process must call it."""
        self.interrupted_by = signal_number

    @contextmanager
    def complete_metrics(self) -> Iterator[None]:
        """In mid-epoch: inside, the device rests, the clock stands, and the metrics are the sums of all processes."""
        self.step_state.stream.synchronize()  # or the clock would not count what is still queued
        self.metrics.queued.clear()
        self.metrics.stop_clock()
        self.metrics.all_reduce(self.context)
        yield
        self.metrics.keep_on_main(self.context)
        self.metrics.start_clock()
