"""The training loop and its metrics: epochs of steps, each ending with a test and a row. The rest is in callbacks."""

import math
import time
import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import NoReturn

import torch
from torch import nn

from resnetzoo.data.pair import Data
from resnetzoo.errors import TrainingInterrupted
from resnetzoo.evaluation.metrics import Evaluation
from resnetzoo.evaluation.stored_logits import StoredLogits
from resnetzoo.models.spec import ModelSpec
from resnetzoo.training.callbacks.base import Callback
from resnetzoo.training.distributed import DistributedContext
from resnetzoo.training.evaluation_pass import EvaluationPass
from resnetzoo.training.recipes import Recipe, lr_at, starts_low
from resnetzoo.training.results import EpochRow, Run
from resnetzoo.training.schedules import part_of
from resnetzoo.training.step_random import drawing_for_step, may_draw
from resnetzoo.training.strategies.base import StepState, Strategy
from resnetzoo.training.stream import DeviceEvent
from resnetzoo.training.trainer_state import TrainerState
from resnetzoo.utils import provenance
from resnetzoo.utils.device import Precision, device_name
from resnetzoo.utils.fp32 import full_fp32, shortens_fp32
from resnetzoo.utils.memory import peak_memory
from resnetzoo.utils.own_files import host_name


class Trainer(TrainerState):
    """The training loop of a run: epochs of steps, each ending with a test and a row.

    Attributes:
        strategy: how the steps are carried out.
        callbacks: called in this order.
        evaluation_pass: tests on this process's part of the test images.
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
        strategy: Strategy,
        precision: Precision,
        out: Path | None,
        context: DistributedContext,
        callbacks: Sequence[Callback],
    ) -> None:
        super().__init__(
            model,
            spec,
            data,
            recipe,
            seed=seed,
            step_state=step_state,
            precision=precision,
            execution=strategy.execution,
            out=out,
            context=context,
        )
        self.strategy = strategy
        self.evaluation_pass = EvaluationPass(
            self.tested_model,
            data.test.select(context.shard(slice(0, len(data.test)))).to(step_state.loader.device),
            step_state.loader.normalization,
            strategy.recording,
        )
        self.callbacks = tuple(callbacks)
        self._draws = may_draw(model)
        self._started: list[Callback] = []
        self._stopped = self._ended = False

    def start(self) -> None:
        """Start the callbacks, one of which may restore an earlier state."""
        with self.step_state.stream.active():
            for callback in self.callbacks:
                callback.on_fit_start(self)
                self._started.append(callback)

    def run(self) -> Run:
        """Train to the end, alone on the device."""
        for event in self.steps():
            if event is not None:
                event.synchronize()
        assert self.result is not None  # noqa: S101 (`steps` has come to its end)
        return self.result

    def steps(self) -> Generator[DeviceEvent | None, None, None]:
        """Run to the end, pausing after each step and epoch so that other runs on the same device can continue.

        Yields:
            None if the run can continue at once, otherwise the event that it waits for; if it is resumed too early, it
            yields the event again.
        """
        try:
            # When a run is resumed, `on_fit_start` may find that it had already reached its end.
            if self.rows and self.rows[-1].step == self.step:
                self._stopped = self._any_asks_to_stop()
            while not (self.finished or self._stopped):
                yield from self._epoch()
            self._end()
        except BaseException as error:
            self.fail(error)
            raise
        if self.interrupted_by is not None:
            self._raise_interrupted(self.interrupted_by)

    def fail(self, error: BaseException) -> None:
        """Tell the callbacks that were started which error ended the run; closing a paused run is not an error."""
        if self._ended or isinstance(error, GeneratorExit):
            return
        self._ended = True
        with ExitStack() as hooks:  # calls all of them, even if one raises
            for callback in reversed(self._started):
                hooks.callback(callback.on_exception, self, error)

    def release(self) -> None:
        """Release the strategy and the test, once the device has finished all work of the run.

        From then on nothing writes to the weights, and no part of the strategy outlives the process group that it uses.
        The gradients are released too, since they are stored in the memory of a recorded step. Files in progress are
        finished.
        """
        try:
            self.step_state.stream.synchronize()
        finally:
            self.step_state.optimizer.zero_grad(set_to_none=True)
            del self.strategy, self.evaluation_pass
            self.files.close()

    def _epoch(self) -> Iterator[DeviceEvent | None]:
        """Run from the present step to the end of the epoch, or to the end that the run had before it was extended."""
        epoch, first = divmod(self.step, self.steps_per_epoch)
        _, end = part_of(self.step, (*self.recipe.extended_at, self.recipe.steps))
        last = min(self.steps_per_epoch, end - epoch * self.steps_per_epoch)
        low = starts_low(self.recipe, self.spec.depth if self.spec else 0, [row.train_error for row in self.rows])
        stream = self.step_state.stream
        self.model.train()
        self._draws = may_draw(self.model)
        self.metrics.start_clock()
        if self.average is not None:
            self.average.begin_epoch()
        with stream.active():
            self.strategy.begin_epoch(self.step_state.augmentation(seed=self.seed, epoch=epoch))
        for number in range(first, last):
            self.lr, indices = self._next_lr(low), self._batch_indices(number)
            with stream.active():
                with self._random_numbers():
                    self.strategy(indices, self.lr)
                self.execution = self.strategy.execution
                self.step += 1
                if self.average is not None:
                    self.average.update(self.step)
                self.epoch_is_complete = number + 1 == last
                self._count(indices)
                for callback in self.callbacks:
                    callback.on_step_end(self)
            self._raise_if_interrupted()
            yield None
            yield from self.metrics.queued.until_few()
        yield from self._end_epoch(epoch + 1)
        yield None

    def _random_numbers(self) -> AbstractContextManager[None]:
        """A block in which the present step, or the test after it, draws its own random numbers, if it may draw any."""
        if not self._draws:
            return nullcontext()
        return drawing_for_step(self.seed, self.step, self.context.rank, self.step_state.loader.device)

    def _batch_indices(self, number: int) -> slice:
        """The positions of a step's images in the order of the epoch."""
        begin = number * self.recipe.batch_size
        return slice(begin, min(begin + self.recipe.batch_size, len(self.data.train)))

    def _count(self, indices: slice) -> None:
        own = self.context.shard(indices)
        self.metrics.count(indices.stop - indices.start, own.stop - own.start)

    def _next_lr(self, low: bool) -> float:
        lr = lr_at(self.recipe, self.step)
        return min(lr, self.recipe.low_start.lr) if low and self.recipe.low_start else lr

    def _end_epoch(self, epoch: int) -> Iterator[DeviceEvent]:
        """Sum up the epoch, test, and call the callbacks, reading from the device only once it has finished.

        The sums are taken over all processes before any callback is called; `standard_callbacks` explains the order.
        """
        metrics, stream = self.metrics, self.step_state.stream
        yield from stream.until_done()
        metrics.queued.clear()
        metrics.stop_clock()
        with stream.active():
            metrics.all_reduce(self.context)
            train_loss, train_error = metrics.mean_loss(), metrics.error()
            began = time.perf_counter()
            with self._random_numbers():
                parts = self.evaluation_pass()
            sums = [self.context.all_reduce_sum(part) for part in parts]
        yield from stream.until_done()
        tested = Evaluation.of_sums(sums, n=len(self.data.test))
        row = EpochRow(
            epoch=epoch,
            step=self.step,
            lr=self.lr,
            train_loss=train_loss,
            train_error=train_error,
            test_loss=tested.loss if math.isfinite(tested.loss) else math.nan,
            test_error=tested.error,
            train_seconds=round(metrics.seconds, 3),
            test_seconds=round(time.perf_counter() - began, 3),
            images_per_second=round(metrics.images / metrics.seconds, 1),
        )
        with stream.active():
            for callback in self.callbacks:
                callback.on_epoch_end(self, row)
            metrics.reset()
        self._raise_if_interrupted()
        self._stopped = self._any_asks_to_stop()

    def _any_asks_to_stop(self) -> bool:
        """Whether a callback of any process has requested an early stop; every process must call this."""
        return self.context.all_reduce_max(int(self.stop_requested)) == 1

    def _end(self) -> None:
        self.result = run = self._make_result()
        with self.step_state.stream.active():
            for callback in self.callbacks:
                callback.on_fit_end(self, run)
                self._started.remove(callback)  # which hears of no error that comes later
        self._ended = True

    def _raise_if_interrupted(self) -> None:
        """Raise if the run was interrupted and, where states are kept, this step is saved; the next one will be."""
        if self.interrupted_by is not None and self.saved_step in (None, self.step):
            self._raise_interrupted(self.interrupted_by)

    def _raise_interrupted(self, signal_number: int) -> NoReturn:
        done = f"stopped after step {self.step:,} of {self.recipe.steps:,}"
        if not self.out:
            kept = "nothing was saved, because out was not given"
            raise TrainingInterrupted(f"{done}: {kept}", signal_number, saved=False)
        call = "the same call without fresh" if self.began_fresh else "the same call"
        kept = f"saved in {self._place()}; {call} continues from there"
        raise TrainingInterrupted(f"{done}: {kept}", signal_number)

    def _place(self) -> str:
        """The folder that was written to, for messages; the other processes add that the first one wrote it."""
        written = self.context.from_rank_zero(lambda: f"{Path(str(self.out)).absolute()} on {host_name()}")
        return str(self.out) if self.context.is_main else f"{written}, by the first process"

    def _tested_logits(self) -> StoredLogits | None:
        """The logits of the last test; None if its loss was not finite."""
        if not (self.rows and math.isfinite(self.rows[-1].test_loss)):
            return None
        stream = self.step_state.stream
        if self.evaluation_pass.logits is None:  # the run was resumed after its last epoch
            with stream.active(), self._random_numbers():
                self.evaluation_pass()
            stream.synchronize()
        assert self.evaluation_pass.logits is not None  # noqa: S101 (it has been called)
        stored = StoredLogits.of(torch.cat(self.context.all_gather(self.evaluation_pass.logits.cpu())), self.data.test)
        if stored.error != self.rows[-1].test_error:
            warnings.warn(
                f"the logits of the last test are not kept: the test repeated after the run was resumed "
                f"gives {stored.error} % errors, but {self.rows[-1].test_error} % are recorded",
                stacklevel=2,
            )
            return None
        return stored

    def _make_result(self) -> Run:
        """The result of the run, with the model in evaluation mode and with the weights that were tested."""
        self.model.eval()
        if self.average is not None:
            with self.step_state.stream.active():
                self.average.give_back()
        if self.record is not None:
            return Run(model=self.model, logits=self.logits, **vars(self.record))
        device = self.step_state.loader.device
        with full_fp32(device):  # as in steps and tests
            tf32 = shortens_fp32(device)
        return Run(
            model=self.model,
            logits=self._tested_logits(),
            name=self.name,
            spec=self.spec,
            recipe=self.recipe,
            seed=self.seed,
            data=self.data.to_dict(),
            normalization=self.step_state.loader.normalization.to_dict(),
            device=device_name(device),
            precision=self.precision,
            execution=str(self.execution),
            processes=self.context.world_size,
            versions=provenance.versions(),
            commit=provenance.commit(),
            epochs=tuple(self.rows),
            peak_memory_bytes=peak_memory(device),
            tf32=tf32,
            starting_point=self.starting_point,
        )
