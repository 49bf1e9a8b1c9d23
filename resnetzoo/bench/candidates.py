"""The networks of the zoo as candidates, by the functions that users call: `create`, `optimize`, `fit`."""

import time
from collections.abc import Callable
from contextlib import ExitStack

import torch

from resnetzoo.bench.environment import Environment
from resnetzoo.bench.timing import Candidate, TimedCall, synchronize
from resnetzoo.bench.workload import random_images, training_flop
from resnetzoo.data.device_loader import DeviceLoader
from resnetzoo.data.image_set import ImageSet
from resnetzoo.data.synthetic_set import synthetic
from resnetzoo.inference.optimized_net import optimize
from resnetzoo.models.complexity import complexity
from resnetzoo.training.callbacks.signals import StopRequest
from resnetzoo.training.callbacks.standard import standard_callbacks
from resnetzoo.training.opening import open_trainer
from resnetzoo.training.recipes import Recipe
from resnetzoo.training.schedules import StepDecay
from resnetzoo.utils.validation import check_whole_number
from resnetzoo.weights.factory import create


def forward(name: str, *, batch_size: int, environment: Environment, compiled: bool | None = None) -> Candidate:
    """The candidate for inference through `optimize`: float images (n, 3, 32, 32) -> logits (n, 10).

    `compiled` is the `compile` of `optimize`; the first call compiles or records.

    Raises:
        UsageError: `batch_size` is below 1.
    """
    check_whole_number("batch_size", batch_size)
    model = create(name, seed=0).to(environment.device).eval()
    precision = environment.precision
    fast = optimize(model, precision=precision, compile=compiled)
    images = random_images(batch_size, environment.device)

    def infer() -> None:
        with torch.inference_mode():
            fast(images)

    flop = 2 * complexity(name).macs * batch_size
    timed = TimedCall(infer, environment.device)
    return Candidate(f"resnetzoo {name}", timed, images=batch_size, flop=flop, precision=precision)


def step(
    name: str,
    *,
    batch_size: int,
    environment: Environment,
    compiled: bool | None = None,
    recorded: bool | None = None,
    steps: int = 4,
) -> Candidate:
    """The candidate for one training step of `fit`, batch and augmentation included; a measurement takes `steps` steps.

    `compiled` and `recorded` are `compile` and `record` of `fit`; if they are None, a long run of `fit` decides.

    Raises:
        UsageError: `batch_size` or `steps` is below 1.
    """
    run = RunningFit(name, batch_size, steps, environment, compiled, recorded)
    flop = training_flop(name, batch_size)
    return Candidate(
        f"resnetzoo {name}",
        run.seconds,
        images=batch_size,
        flop=flop,
        precision=environment.precision,
        release=run.close,
    )


def epoch(
    name: str,
    *,
    batch_size: int,
    environment: Environment,
    compiled: bool | None = None,
    recorded: bool | None = None,
    steps: int = 8,
) -> Candidate:
    """The candidate for a whole epoch of `fit`, in seconds per step: draw, steps, sums, test (on one image) and row.

    `compiled` and `recorded` are as in `step`.

    Raises:
        UsageError: `batch_size` or `steps` is below 1.
    """
    run = RunningFit(name, batch_size, steps, environment, compiled, recorded)
    flop = training_flop(name, batch_size)
    return Candidate(
        f"resnetzoo {name}",
        run.epoch_seconds,
        images=batch_size,
        flop=flop,
        precision=environment.precision,
        release=run.close,
    )


def batches(images: ImageSet, *, batch_size: int, environment: Environment) -> Candidate:
    """The candidate for an epoch of the trainer's batches, augmented and normalized on the device.

    Raises:
        UsageError: `batch_size` is below 1.
    """
    check_whole_number("batch_size", batch_size)
    loader = DeviceLoader(images, images.normalization("channel"), padding=4, flip=True, device=environment.device)

    def epoch() -> None:
        augmentation = loader.augmentation(seed=0, epoch=0)
        for first in range(0, len(loader), batch_size):
            loader.batch(augmentation, slice(first, first + batch_size))

    return Candidate("resnetzoo batches", TimedCall(epoch, environment.device), images=len(images))


class RunningFit:
    """A run as `fit` starts it, which pauses between measurements, so that its step is compiled or recorded once.

    Args:
        name: the name of the network.
        batch_size: images per step.
        steps: steps per measurement; an epoch has one more, which is not counted, and neither is the test after it.
        environment: device and precision.
        compiled: the `compile` of `fit`.
        recorded: the `record` of `fit`.
    """

    def __init__(
        self,
        name: str,
        batch_size: int,
        steps: int,
        environment: Environment,
        compiled: bool | None,
        recorded: bool | None = None,
    ) -> None:
        check_whole_number("batch_size", batch_size)
        check_whole_number("steps", steps)
        self.steps = steps
        self.device = environment.device
        self._opened = ExitStack()
        self.trainer = self._opened.enter_context(
            open_trainer(
                create(name, seed=0),
                synthetic(train_images=batch_size * (steps + 1), test_images=1),
                _bench_recipe(epochs=1_000_000, steps_per_epoch=steps + 1, batch_size=batch_size),
                device=environment.device,
                precision=environment.precision,
                compile=compiled,
                record=recorded,
                callbacks=standard_callbacks(StopRequest()),
            )
        )
        self._steps = self.trainer.steps()
        self._opened.callback(self._steps.close)

    def seconds(self) -> float:
        """The seconds of one step, including the device's work."""
        synchronize(self.device)
        began, first = time.perf_counter(), self.trainer.step
        self._run_until(lambda: self.trainer.step == first + self.steps)
        synchronize(self.device)
        taken = time.perf_counter() - began
        self._finish_epoch()
        return taken / self.steps

    def epoch_seconds(self) -> float:
        """The seconds of a whole epoch, divided by its steps."""
        began = time.perf_counter()
        self._finish_epoch()
        synchronize(self.device)
        return (time.perf_counter() - began) / (self.steps + 1)

    def close(self) -> None:
        """End the run at its present step, and release what it holds."""
        self._opened.close()

    def _finish_epoch(self) -> None:
        epochs = len(self.trainer.rows)
        self._run_until(lambda: len(self.trainer.rows) > epochs)

    def _run_until(self, reached: Callable[[], bool]) -> None:
        """Continue as `Trainer.run` does, until `reached` returns true."""
        while not reached():
            event = next(self._steps)
            if event is not None:
                event.synchronize()


def _bench_recipe(*, epochs: int, steps_per_epoch: int, batch_size: int) -> Recipe:
    """A recipe with a small learning rate: the result does not matter, but must stay finite."""
    return Recipe(
        name="BENCH",
        steps=steps_per_epoch * epochs,
        epochs=epochs,
        batch_size=batch_size,
        lr=1e-3,
        schedule=StepDecay(milestones=()),
        nesterov=True,
    )
