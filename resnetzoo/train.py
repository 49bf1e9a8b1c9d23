"""Training: a network, data and a recipe in; one row an epoch and a checkpoint out.

The path: device -> state (resumed if `out` holds one of the same run) -> epochs -> rows -> checkpoints -> `Run`.
"""

import json
import math
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's standard name)

from resnetzoo import provenance
from resnetzoo.batches import TrainBatches
from resnetzoo.checkpoint import CHECKPOINT, Checkpoint, check_identity, read_latest, save_checkpoint
from resnetzoo.checks import check_seed, check_whole_number
from resnetzoo.data.images import Data
from resnetzoo.device import Precision, autocast, device_name, resolve_device, resolve_precision
from resnetzoo.errors import NonFiniteLossError, TrainingInterrupted, UsageError
from resnetzoo.evaluation import evaluate
from resnetzoo.files import write_atomically
from resnetzoo.normalization import carry_normalization, measure_normalization
from resnetzoo.progress import TrainingProgress
from resnetzoo.recipes import QUICK20, Recipe, lr_at, starts_low, steps_per_epoch
from resnetzoo.run import EpochRow, Run
from resnetzoo.signals import StopRequest, stop_requests
from resnetzoo.spec import ModelSpec
from resnetzoo.totals import EpochTotals


def fit(
    model: nn.Module,
    data: Data,
    recipe: Recipe = QUICK20,
    *,
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    out: str | Path | None = None,
    checkpoint_every: int | None = None,
    progress: bool = True,
) -> Run:
    """Train `model` in place from the weights that it has.

    With `out`, the folder gets `checkpoint.pt` at each epoch's end, `log.jsonl` with a line an epoch, and `run.json`
    at the end. Called again with the same arguments, the run goes on from its checkpoint; on a CPU in fp32 it ends
    with the same weights, bit for bit, as one never stopped. A run that is finished is read, not repeated.

    Args:
        model: images (N, C, H, W) -> logits (N, classes), such as one from `create`.
        data: what to learn from and to measure on.
        recipe: how; see `resnetzoo.recipes`.
        seed: of the order of the images and their augmentation; fresh weights have their own in `create`.
        device: `auto` (cuda, mps, cpu: the first there is) or a device's name.
        precision: `fp32`, `bf16` (autocast), or `auto`: bf16 where the hardware has it.
        out: the run's folder; None keeps nothing on disk.
        checkpoint_every: save every so many steps too.
        progress: show a bar and a line an epoch.

    Raises:
        UsageError: an argument outside its range, or a network for other images or fewer classes.
        DeviceError: a device that is not here.
        CheckpointMismatchError: `out` holds a run of another spec, recipe, seed, data or precision.
        CheckpointError: `out` holds only damaged checkpoints.
        OutputError: `out` cannot be written; what was saved stays.
        NonFiniteLossError: the loss is infinite or NaN; the last good checkpoint stays.
        TrainingInterrupted: Ctrl-C or SIGTERM; the step was finished and saved.
    """
    check_seed(seed)
    if checkpoint_every is not None:
        check_whole_number("checkpoint_every", checkpoint_every)
    training = _Training(
        model,
        data,
        recipe.for_images(len(data.train)),
        seed=seed,
        device=resolve_device(device),
        precision=precision,
        out=None if out is None else Path(out),
    )
    training.resume_or_start()
    with training.progress(shown=progress) as shown, stop_requests() as stop:
        while not training.finished:
            training.run_epoch(shown, stop, checkpoint_every)
    return training.result()


class _Training:
    """A run in progress: what a step needs and what a checkpoint holds."""

    def __init__(
        self,
        model: nn.Module,
        data: Data,
        recipe: Recipe,
        *,
        seed: int,
        device: torch.device,
        precision: str,
        out: Path | None,
    ) -> None:
        found = getattr(model, "spec", None)
        self.spec = found if isinstance(found, ModelSpec) else None
        if self.spec:
            _check_spec(self.spec, data)
        self.data = data
        self.recipe = recipe
        self.seed = seed
        self.device = device
        self.precision: Precision = resolve_precision(precision, device)
        self.out = out
        self.name = self.spec.label if self.spec else type(model).__name__
        self.model = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = torch.optim.SGD(
            model.parameters(),
            lr=recipe.lr,
            momentum=recipe.momentum,
            nesterov=recipe.nesterov,
            weight_decay=recipe.weight_decay,
        )
        self.normalization = measure_normalization(data.train.images, recipe.normalization)
        self.batches = TrainBatches(
            data.train, self.normalization, padding=recipe.crop_padding, flip=recipe.flip, device=device
        )
        self.steps_per_epoch = steps_per_epoch(len(data.train), recipe.batch_size)
        self.step = 0
        self.rows: list[EpochRow] = []
        self.totals = EpochTotals(device)

    @property
    def finished(self) -> bool:
        return self.step >= self.recipe.steps

    @property
    def identity(self) -> dict[str, Any]:
        """What must agree for a state to be this run's."""
        return {
            "spec": self.spec.to_dict() if self.spec else {"class": self.name},
            "recipe": self.recipe.to_dict(),
            "seed": self.seed,
            "data": {"name": self.data.name, "fingerprint": self.data.fingerprint},
            "precision": self.precision,
        }

    def progress(self, *, shown: bool) -> TrainingProgress:
        epochs = math.ceil(self.recipe.steps / self.steps_per_epoch)
        return TrainingProgress(self.name, steps=self.recipe.steps, done=self.step, epochs=epochs, shown=shown)

    def resume_or_start(self) -> None:
        """Take up the state in `out`, or write the first one there: an unwritable folder is found out now."""
        carry_normalization(self.model, self.normalization)
        if self.out is None:
            return
        checkpoint = read_latest(self.out)
        if checkpoint is None:
            self.save()
            return
        check_identity(checkpoint, self.identity, self.out)
        self.model.load_state_dict(checkpoint.model)
        self.optimizer.load_state_dict(checkpoint.optimizer)
        self.step = checkpoint.step
        self.rows = [EpochRow(**row) for row in checkpoint.rows]
        self.totals = EpochTotals(self.device, **checkpoint.totals)
        self.write_log()

    def run_epoch(self, shown: TrainingProgress, stop: StopRequest, checkpoint_every: int | None) -> None:
        """From the present step to the epoch's end: steps, test, row, checkpoint."""
        epoch, first = divmod(self.step, self.steps_per_epoch)
        last = min(self.steps_per_epoch, self.recipe.steps - epoch * self.steps_per_epoch)
        low = starts_low(self.recipe, self.spec.depth if self.spec else 0, [row.train_error for row in self.rows])
        drawn = self.batches.draw(seed=self.seed, epoch=epoch)
        self.model.train()
        for place in range(first, last):
            began = time.perf_counter()
            lr = self.learning_rate(low)
            images, labels = self.batches.batch(drawn, _places(place, self.recipe.batch_size))
            self.train_step(images, labels, lr)
            self.totals.seconds += time.perf_counter() - began
            shown.advance(self.totals.images / self.totals.seconds)
            if place + 1 < last:
                self.between_steps(stop, checkpoint_every)
        self.end_epoch(epoch + 1, lr)
        shown.epoch(self.rows[-1])
        self.stop_if_asked(stop)

    def learning_rate(self, low: bool) -> float:
        lr = lr_at(self.recipe, self.step)
        return min(lr, self.recipe.low_start.lr) if low and self.recipe.low_start else lr

    def train_step(self, images: Tensor, labels: Tensor, lr: float) -> None:
        """One batch: images (n, C, H, W), labels (n,). Sums stay on the device, so that nothing waits for it."""
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        with autocast(self.device, self.precision):
            logits = self.model(images)  # (n, classes)
        loss = F.cross_entropy(logits.float(), labels, label_smoothing=self.recipe.label_smoothing)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.totals.add(loss.detach(), logits.detach(), labels)
        self.step += 1

    def end_epoch(self, epoch: int, lr: float) -> None:
        totals = self.totals
        began = time.perf_counter()
        train_loss, train_error = totals.loss_per_image(), totals.error()  # here a GPU is waited for
        totals.seconds += time.perf_counter() - began
        began = time.perf_counter()
        tested = evaluate(self.model, self.data.test, normalization=self.normalization)
        row = EpochRow(
            epoch=epoch,
            step=self.step,
            lr=lr,
            train_loss=train_loss,
            train_error=train_error,
            test_loss=tested.loss,
            test_error=tested.error,
            train_seconds=round(totals.seconds, 3),
            test_seconds=round(time.perf_counter() - began, 3),
            images_per_second=round(totals.images / totals.seconds, 1),
        )
        self.check_finite(row.train_loss, row.test_loss)
        self.rows.append(row)
        self.totals = EpochTotals(self.device)
        self.save()
        self.write_log()

    def between_steps(self, stop: StopRequest, checkpoint_every: int | None) -> None:
        """Save in the middle of an epoch, if asked to, and stop, if asked to."""
        due = checkpoint_every is not None and self.step % checkpoint_every == 0
        if due or stop.signal_number is not None:
            self.save()
        self.stop_if_asked(stop)

    def stop_if_asked(self, stop: StopRequest) -> None:
        if stop.signal_number is None:
            return
        kept = (
            f"saved in {self.out}; the same call goes on from there" if self.out else "nothing saved, for want of out"
        )
        done = f"stopped after step {self.step:,} of {self.recipe.steps:,}"
        raise TrainingInterrupted(f"{done}: {kept}", stop.signal_number)

    def check_finite(self, *values: float) -> None:
        """Stop if a loss, or a weight, is infinite or NaN."""
        found = next((value for value in values if not math.isfinite(value)), None)
        if found is not None:
            kept = f"the last good checkpoint is {self.out / CHECKPOINT}" if self.out else "nothing was saved"
            raise NonFiniteLossError(
                f"{self.name}: the loss became {found} by step {self.step:,} at learning rate "
                f"{self.optimizer.param_groups[0]['lr']:g}: try a lower lr; {kept}"
            )

    def save(self) -> None:
        """Write the state, if it is sound and there is a folder."""
        if self.out is None:
            return
        # The loss of a step says nothing yet about the weights that it left behind.
        weights = [float(parameter.detach().abs().max()) for parameter in self.model.parameters()]
        self.check_finite(float(self.totals.loss), *weights)
        checkpoint = Checkpoint(
            identity=self.identity,
            step=self.step,
            model=self.model.state_dict(),
            optimizer=self.optimizer.state_dict(),
            normalization=self.normalization,
            rows=[asdict(row) for row in self.rows],
            totals=self.totals.to_dict(),
        )
        save_checkpoint(checkpoint, self.out)

    def write_log(self) -> None:
        """All finished epochs, a JSON line each: after a resumption too, none is missing and none stands twice."""
        if self.out is not None:
            lines = [json.dumps({"model": self.name, "seed": self.seed, **asdict(row)}) for row in self.rows]
            write_atomically(self.out / "log.jsonl", "".join(f"{line}\n" for line in lines).encode())

    def result(self) -> Run:
        self.model.eval()
        run = Run(
            model=self.model,
            name=self.name,
            spec=self.spec,
            recipe=self.recipe,
            seed=self.seed,
            data=self.data.to_dict(),
            normalization=self.normalization.to_dict(),
            device=device_name(self.device),
            precision=self.precision,
            versions=provenance.versions(),
            commit=provenance.commit(),
            epochs=tuple(self.rows),
        )
        if self.out is not None:
            write_atomically(self.out / "run.json", json.dumps(run.to_dict(), indent=1).encode())
        return run


def _places(step: int, batch_size: int) -> slice:
    return slice(step * batch_size, (step + 1) * batch_size)


def _check_spec(spec: ModelSpec, data: Data) -> None:
    chans = data.train.images.shape[1]
    if spec.in_chans != chans:
        raise UsageError(
            f"the network takes {spec.in_chans} channels, the images have {chans}: create(..., in_chans={chans})"
        )
    if spec.num_classes < len(data.classes):
        wanted = len(data.classes)
        raise UsageError(
            f"the network has {spec.num_classes} classes, {data.title} has {wanted}: create(..., num_classes={wanted})"
        )
