"""A run of training in progress: what a checkpoint holds, and the way from one to the next.

The path: state (resumed if `out` holds one of the same run) -> epochs of steps -> test -> row -> checkpoint -> `Run`.
"""

import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from resnetzoo.data.device_loader import DeviceLoader
from resnetzoo.data.image_set import Data
from resnetzoo.errors import NonFiniteLossError, TrainingInterrupted
from resnetzoo.evaluation.metrics import Evaluation, sum_loss_and_errors
from resnetzoo.models.cifar_net import CifarNet
from resnetzoo.models.pretrained import Pretrained, attach_normalization
from resnetzoo.models.spec import ModelSpec
from resnetzoo.training.callbacks import StopRequest, TrainingProgress
from resnetzoo.training.distributed import DistributedContext
from resnetzoo.training.recipes import Recipe, lr_at, starts_low
from resnetzoo.training.results import RUN_FILE, EpochRow, Run, RunRecord, identity_of, read_record
from resnetzoo.training.running_metrics import RunningMetrics
from resnetzoo.training.schedules import steps_per_epoch
from resnetzoo.training.strategy import Strategy
from resnetzoo.utils import environment as provenance
from resnetzoo.utils.checksummed_json import write_sealed
from resnetzoo.utils.device import Precision, device_name
from resnetzoo.utils.files import write_atomically
from resnetzoo.weights.checkpoint.training_state import (
    CHECKPOINT,
    Checkpoint,
    check_identity,
    read_latest,
    save_checkpoint,
)


class Trainer:
    """The state of a run between two steps, and what moves it on.

    Args:
        model: on its device already.
        spec: what the run is recorded as; None for a network from elsewhere.
        data: what to learn from and to measure on.
        recipe: as it runs on this number of images.
        seed: of order and augmentation.
        batches: the training set on the device.
        strategy: how the steps run.
        precision: of the steps; tests are always in fp32.
        out: the run's folder; None keeps nothing on disk.
        context: the processes that share the run.
    """

    def __init__(
        self,
        model: nn.Module,
        spec: ModelSpec | None,
        data: Data,
        recipe: Recipe,
        *,
        seed: int,
        batches: DeviceLoader,
        strategy: Strategy,
        precision: Precision,
        out: Path | None,
        context: DistributedContext,
    ) -> None:
        self.spec = spec
        self.name = self.spec.label if self.spec else type(model).__name__
        self.model = model
        self.data = data
        # Of the test images, those that this process measures on.
        self.test = data.test.select(context.shard(slice(0, len(data.test)))).to(batches.device)
        self.recipe = recipe
        self.seed = seed
        self.loader = batches
        self.strategy = strategy
        self.precision = precision
        self.out = out
        self.context = context
        self.steps_per_epoch = steps_per_epoch(len(data.train), recipe.batch_size)
        self.step = 0
        self.record: RunRecord | None = None  # of a run that was finished before, by its own commit and versions
        self.rows: list[EpochRow] = []

    @property
    def metrics(self) -> RunningMetrics:
        return self.strategy.metrics

    @property
    def finished(self) -> bool:
        return self.step >= self.recipe.steps

    @property
    def identity(self) -> dict[str, Any]:
        """What must agree for a state to be this run's."""
        return identity_of(
            name=self.name,
            spec=self.spec,
            recipe=self.recipe,
            seed=self.seed,
            data={"name": self.data.name, "fingerprint": self.data.fingerprint},
            precision=self.precision,
        )

    def progress(self, *, shown: bool, bar: bool) -> TrainingProgress:
        epochs = math.ceil(self.recipe.steps / self.steps_per_epoch)
        shown = shown and self.context.is_main
        return TrainingProgress(
            self.name, steps=self.recipe.steps, done=self.step, epochs=epochs, shown=shown, bar=bar and shown
        )

    def resume_or_start(self) -> None:
        """Take up the state in `out`, or write the first one there: an unwritable folder is found out now."""
        if isinstance(self.model, CifarNet):  # what a row or a file said of the network ends here
            classes = self.data.classes if len(self.data.classes) == self.model.num_classes else None
            self.model.pretrained = Pretrained(normalization=self.loader.normalization, classes=classes)
        else:
            attach_normalization(self.model, self.loader.normalization)
        if self.out is None:
            return
        checkpoint = read_latest(self.out)
        if checkpoint is None:
            self.save()
            return
        check_identity(checkpoint.identity, self.identity, self.out)
        self.step = checkpoint.step
        self.rows = [EpochRow(**row) for row in checkpoint.rows]
        with self.strategy.on_stream():
            self.model.load_state_dict(checkpoint.model)
            self.strategy.load_optimizer_state(checkpoint.optimizer)
            self.metrics.load_state_dict(checkpoint.totals)
            self.metrics.keep_on_main(self.context)
        self.write_log()
        if self.finished and (self.out / RUN_FILE).exists():
            self.record = read_record(self.out / RUN_FILE)

    def steps(self, shown: TrainingProgress, stop: StopRequest, checkpoint_every: int | None) -> Iterator[None]:
        """Run to the end, pausing behind each step and epoch, where other runs on the same device may go on."""
        if not self.finished:
            shown.say(self.strategy.reason)
        while not self.finished:
            yield from self.epoch(shown, stop, checkpoint_every)

    def epoch(self, shown: TrainingProgress, stop: StopRequest, checkpoint_every: int | None) -> Iterator[None]:
        """From the present step to the epoch's end: steps, test, row, checkpoint."""
        epoch, first = divmod(self.step, self.steps_per_epoch)
        last = min(self.steps_per_epoch, self.recipe.steps - epoch * self.steps_per_epoch)
        low = starts_low(self.recipe, self.spec.depth if self.spec else 0, [row.train_error for row in self.rows])
        self.model.train()
        self.metrics.start_clock()
        with self.strategy.on_stream():
            self.strategy.step.begin_epoch(self.loader.augmentation(seed=self.seed, epoch=epoch))
        for place in range(first, last):
            lr, indices = self.learning_rate(low), self.indices(place)
            with self.strategy.on_stream():
                self.strategy.step(indices, lr)
            self.step += 1
            self.metrics.images += indices.stop - indices.start
            shown.advance(self.metrics.images_per_second())
            if place + 1 < last:
                self.between_steps(stop, checkpoint_every)
            yield
        yield from self.end_epoch(epoch + 1, lr, shown)
        self.stop_if_asked(self.context.all_reduce_max(stop.signal_number))
        yield

    def indices(self, place: int) -> slice:
        """Where the images of an epoch's step stand in its order."""
        begin = place * self.recipe.batch_size
        return slice(begin, min(begin + self.recipe.batch_size, len(self.data.train)))

    def learning_rate(self, low: bool) -> float:
        lr = lr_at(self.recipe, self.step)
        return min(lr, self.recipe.low_start.lr) if low and self.recipe.low_start else lr

    def end_epoch(self, epoch: int, lr: float, shown: TrainingProgress) -> Iterator[None]:
        """Sums, test, row and checkpoint; it pauses until the device has come so far, and only then reads from it."""
        metrics = self.metrics
        yield from self.strategy.until_done()
        metrics.stop_clock()
        with self.strategy.on_stream():
            metrics.all_reduce(self.context)
            train_loss, train_error = metrics.mean_loss(), metrics.error()
            began = time.perf_counter()
            sums = [
                self.context.all_reduce_sum(part)
                for part in sum_loss_and_errors(self.model, self.test, self.loader.normalization)
            ]
        yield from self.strategy.until_done()
        tested = Evaluation.of_sums(sums, n=len(self.data.test))
        row = EpochRow(
            epoch=epoch,
            step=self.step,
            lr=lr,
            train_loss=train_loss,
            train_error=train_error,
            test_loss=tested.loss,
            test_error=tested.error,
            train_seconds=round(metrics.seconds, 3),
            test_seconds=round(time.perf_counter() - began, 3),
            images_per_second=round(metrics.images / metrics.seconds, 1),
        )
        # The test may overflow in a run that is sound: while the running statistics of a deep plain network lag behind
        # its first large steps. It is a figure of that epoch like any other.
        self.check_finite(row.train_loss)
        self.rows.append(row)
        with self.strategy.on_stream():
            metrics.reset()
        self.save()
        self.write_log()
        shown.epoch(row)

    def between_steps(self, stop: StopRequest, checkpoint_every: int | None) -> None:
        """Save in the middle of an epoch, if asked to, and stop, if asked to."""
        asked = self.context.all_reduce_max(stop.signal_number)
        due = checkpoint_every is not None and self.step % checkpoint_every == 0
        if due or asked is not None:
            self.metrics.stop_clock()
            with self.strategy.on_stream():
                self.metrics.all_reduce(self.context)
                self.save()
                self.metrics.keep_on_main(self.context)
            self.metrics.start_clock()
        self.stop_if_asked(asked)

    def stop_if_asked(self, signal_number: int | None) -> None:
        if signal_number is None:
            return
        kept = (
            f"saved in {self.out}; the same call goes on from there" if self.out else "nothing saved, for want of out"
        )
        done = f"stopped after step {self.step:,} of {self.recipe.steps:,}"
        raise TrainingInterrupted(f"{done}: {kept}", signal_number)

    def check_finite(self, *values: float) -> None:
        """Stop if one of these is infinite or NaN."""
        found = next((value for value in values if not math.isfinite(value)), None)
        if found is not None:
            kept = f"the last good checkpoint is {self.out / CHECKPOINT}" if self.out else "nothing was saved"
            raise NonFiniteLossError(
                f"{self.name}: the loss became {found} by step {self.step:,} at learning rate "
                f"{self.strategy.rate:g}: try a lower lr; {kept}"
            )

    def save(self) -> None:
        """Write the state, if it is sound and there is a folder."""
        if self.out is None:
            return
        out = self.out
        with self.strategy.on_stream():
            # The loss of a step says nothing yet about the weights that it left behind.
            largest = torch.stack([parameter.detach().abs().max() for parameter in self.model.parameters()])
            self.check_finite(float(self.metrics.loss), *largest.tolist())
            checkpoint = Checkpoint(
                identity=self.identity,
                step=self.step,
                model=self.model.state_dict(),
                optimizer=self.strategy.optimizer_state(),
                normalization=self.loader.normalization,
                rows=[asdict(row) for row in self.rows],
                totals=self.metrics.state_dict(),
                classes=self.data.classes,
            )
            self.context.rank_zero_only(lambda: save_checkpoint(checkpoint, out))

    def write_log(self) -> None:
        """All finished epochs, a JSON line each: after a resumption too, none is missing and none stands twice."""
        if self.out is not None:
            path = self.out / "log.jsonl"
            lines = [json.dumps({"model": self.name, "seed": self.seed, **asdict(row)}) for row in self.rows]
            self.context.rank_zero_only(lambda: write_atomically(path, "".join(f"{line}\n" for line in lines).encode()))

    def result(self) -> Run:
        """What the run came to, written to `out` as well; the model in evaluation mode."""
        self.model.eval()
        if self.record is not None:
            return Run(model=self.model, **vars(self.record))
        run = Run(
            model=self.model,
            name=self.name,
            spec=self.spec,
            recipe=self.recipe,
            seed=self.seed,
            data=self.data.to_dict(),
            normalization=self.loader.normalization.to_dict(),
            device=device_name(self.strategy.device),
            precision=self.precision,
            execution=self.strategy.execution,
            processes=self.context.world_size,
            versions=provenance.versions(),
            commit=provenance.commit(),
            epochs=tuple(self.rows),
        )
        if self.out is not None:
            path = self.out / RUN_FILE
            self.context.rank_zero_only(lambda: write_sealed(path, run.to_dict()))
        return run
