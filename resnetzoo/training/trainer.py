"""The training loop and its metrics: epochs of steps, each ending with a test and a row; callbacks do the rest."""

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn

from resnetzoo.data.image_set import Data
from resnetzoo.errors import TrainingInterrupted
from resnetzoo.evaluation.metrics import Evaluation, sum_loss_and_errors
from resnetzoo.models.spec import ModelSpec
from resnetzoo.training.callbacks.base import Callback
from resnetzoo.training.distributed import DistributedContext
from resnetzoo.training.recipes import Recipe, lr_at, starts_low
from resnetzoo.training.results import EpochRow, Run, RunIdentity, RunRecord
from resnetzoo.training.running_metrics import RunningMetrics
from resnetzoo.training.schedules import steps_per_epoch
from resnetzoo.training.strategies.base import StepState, Strategy
from resnetzoo.utils import environment
from resnetzoo.utils.device import Precision, device_name


class Trainer:
    """A training run in progress, as callbacks see it.

    Attributes:
        model: the network that learns.
        spec: its spec; None for a network from elsewhere.
        name: its label, such as `resnet20`.
        data: what it learns from and is measured on.
        recipe: as it runs on this number of images.
        seed: of order and augmentation.
        precision: of the steps; tests are always in fp32.
        out: the run's folder; None where nothing is kept on disk.
        context: the processes that share the run.
        step: optimizer steps done.
        lr: learning rate of the last step.
        rows: the finished epochs.
        metrics: sums since the epoch began; in a run of several processes, those of this one.
        epoch_is_complete: the last step was its epoch's last one.
        interrupted_by: the signal that ends the run behind this step or epoch; None most often.
        record: of a run that was finished before, by its own commit and versions.
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
        state: StepState,
        strategy: Strategy,
        precision: Precision,
        out: Path | None,
        context: DistributedContext,
        callbacks: Sequence[Callback],
    ) -> None:
        self.model = model
        self.spec = spec
        self.name = spec.label if spec else type(model).__name__
        self.data = data
        # Of the test images, those that this process measures on.
        self.test = data.test.select(context.shard(slice(0, len(data.test)))).to(state.loader.device)
        self.recipe = recipe
        self.seed = seed
        self.state = state
        self.strategy = strategy
        self.precision = precision
        self.out = out
        self.context = context
        self.callbacks = tuple(callbacks)
        self.steps_per_epoch = steps_per_epoch(len(data.train), recipe.batch_size)
        self.step = 0
        self.lr = recipe.lr
        self.rows: list[EpochRow] = []
        self.epoch_is_complete = False
        self.interrupted_by: int | None = None
        self.record: RunRecord | None = None
        self.result: Run | None = None
        self._started: list[Callback] = []
        self._stop_requested = self._stopped = self._ended = False

    @property
    def metrics(self) -> RunningMetrics:
        return self.state.metrics

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
        ).to_dict()

    def request_stop(self) -> None:
        """End the run early and in good order: behind the present epoch, which is finished, tested and saved.

        `fit` then returns the run with the epochs so far. There is no `run.json`, since the recipe has not come to
        its end, and the same call goes on from the last checkpoint. Any process of several may ask.
        """
        self._stop_requested = True

    def interrupt(self, signal_number: int) -> None:
        """End the run by `TrainingInterrupted` once this step or epoch is saved; every process must call it."""
        self.interrupted_by = signal_number

    def start(self) -> None:
        """Let the callbacks begin, of which one may take up an earlier state."""
        with self.state.stream.active():
            for callback in self.callbacks:
                callback.on_fit_start(self)
                self._started.append(callback)

    def run(self) -> Run:
        """Train to the end, alone on the device."""
        for _ in self.steps():
            pass
        assert self.result is not None  # noqa: S101 (`steps` has come to its end)
        return self.result

    def steps(self) -> Generator[None, None, None]:
        """Run to the end, pausing behind each step and epoch, where other runs on the same device may go on."""
        try:
            while not (self.finished or self._stopped):
                yield from self._epoch()
            self._end()
        except BaseException as error:
            self.fail(error)
            raise
        self._raise_if_interrupted()

    def fail(self, error: BaseException) -> None:
        """Tell the callbacks that have begun what ended the run, once; to close a paused run is no error."""
        if self._ended or isinstance(error, GeneratorExit):
            return
        self._ended = True
        for callback in self._started:
            callback.on_exception(self, error)

    def release(self) -> None:
        """Let go of the strategy, and of what it holds of other processes: nothing must outlive the group of these."""
        del self.strategy

    @contextmanager
    def complete_metrics(self) -> Iterator[None]:
        """In mid-epoch: inside, the clock stands and the metrics are the sums of all processes."""
        self.metrics.stop_clock()
        self.metrics.all_reduce(self.context)
        yield
        self.metrics.keep_on_main(self.context)
        self.metrics.start_clock()

    def _epoch(self) -> Iterator[None]:
        """From the present step to the epoch's end."""
        epoch, first = divmod(self.step, self.steps_per_epoch)
        last = min(self.steps_per_epoch, self.recipe.steps - epoch * self.steps_per_epoch)
        low = starts_low(self.recipe, self.spec.depth if self.spec else 0, [row.train_error for row in self.rows])
        stream = self.state.stream
        self.model.train()
        self.metrics.start_clock()
        with stream.active():
            self.strategy.begin_epoch(self.state.loader.augmentation(seed=self.seed, epoch=epoch))
        for number in range(first, last):
            self.lr, indices = self._next_lr(low), self._batch_indices(number)
            with stream.active():
                self.strategy(indices, self.lr)
                self.step += 1
                self.epoch_is_complete = number + 1 == last
                self.metrics.images += indices.stop - indices.start
                for callback in self.callbacks:
                    callback.on_step_end(self)
            self._raise_if_interrupted()
            yield
        yield from self._end_epoch(epoch + 1)
        yield

    def _batch_indices(self, number: int) -> slice:
        """Where the images of an epoch's step stand in its order."""
        begin = number * self.recipe.batch_size
        return slice(begin, min(begin + self.recipe.batch_size, len(self.data.train)))

    def _next_lr(self, low: bool) -> float:
        lr = lr_at(self.recipe, self.step)
        return min(lr, self.recipe.low_start.lr) if low and self.recipe.low_start else lr

    def _end_epoch(self, epoch: int) -> Iterator[None]:
        """Sums, test, row, callbacks; it pauses until the device has come so far, and only then reads from it.

        The sums go through all processes before any callback is called: see `standard_callbacks` for their order.
        """
        metrics, stream = self.metrics, self.state.stream
        yield from stream.until_done()
        metrics.stop_clock()
        with stream.active():
            metrics.all_reduce(self.context)
            train_loss, train_error = metrics.mean_loss(), metrics.error()
            began = time.perf_counter()
            parts = sum_loss_and_errors(self.model, self.test, self.state.loader.normalization)
            sums = [self.context.all_reduce_sum(part) for part in parts]
        yield from stream.until_done()
        tested = Evaluation.of_sums(sums, n=len(self.data.test))
        row = EpochRow(
            epoch=epoch,
            step=self.step,
            lr=self.lr,
            train_loss=train_loss,
            train_error=train_error,
            test_loss=tested.loss,
            test_error=tested.error,
            train_seconds=round(metrics.seconds, 3),
            test_seconds=round(time.perf_counter() - began, 3),
            images_per_second=round(metrics.images / metrics.seconds, 1),
        )
        self.rows.append(row)
        with stream.active():
            metrics.reset()
            for callback in self.callbacks:
                callback.on_epoch_end(self, row)
        self._raise_if_interrupted()
        self._stopped = self.context.all_reduce_max(int(self._stop_requested)) == 1

    def _end(self) -> None:
        self.result = run = self._make_result()
        with self.state.stream.active():
            for callback in self.callbacks:
                callback.on_fit_end(self, run)
        self._ended = True

    def _raise_if_interrupted(self) -> None:
        if self.interrupted_by is None:
            return
        kept = (
            f"saved in {self.out}; the same call goes on from there" if self.out else "nothing saved, for want of out"
        )
        done = f"stopped after step {self.step:,} of {self.recipe.steps:,}"
        raise TrainingInterrupted(f"{done}: {kept}", self.interrupted_by)

    def _make_result(self) -> Run:
        """What the run came to; the model in evaluation mode."""
        self.model.eval()
        if self.record is not None:
            return Run(model=self.model, **vars(self.record))
        return Run(
            model=self.model,
            name=self.name,
            spec=self.spec,
            recipe=self.recipe,
            seed=self.seed,
            data=self.data.to_dict(),
            normalization=self.state.loader.normalization.to_dict(),
            device=device_name(self.state.loader.device),
            precision=self.precision,
            execution=str(self.strategy.execution),
            processes=self.context.world_size,
            versions=environment.versions(),
            commit=environment.commit(),
            epochs=tuple(self.rows),
        )
