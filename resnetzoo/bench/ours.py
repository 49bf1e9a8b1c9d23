"""The networks of the zoo as contestants, by the functions that users call: `create`, `optimize`, `fit`."""

import statistics
import time
from dataclasses import dataclass, field

import torch

import resnetzoo
from resnetzoo.batches import TrainBatches
from resnetzoo.bench.place import Place
from resnetzoo.bench.timing import Contestant, TimedCall, synchronize
from resnetzoo.bench.work import TRAINING_PASSES, random_images
from resnetzoo.normalization import measure_normalization
from resnetzoo.ranks import Ranks
from resnetzoo.recipes import StepDecay
from resnetzoo.signals import StopRequest
from resnetzoo.train import cut_on_device, prepare


def forward(name: str, *, batch_size: int, place: Place, compiled: bool = True) -> Contestant:
    """Inference through `optimize`: float images (n, 3, 32, 32) -> logits (n, 10). Its first call compiles."""
    model = resnetzoo.create(name, seed=0).to(place.device).eval()
    fast = resnetzoo.optimize(model, precision=place.precision, compile=compiled)
    images = random_images(batch_size, place.device)

    def infer() -> None:
        with torch.inference_mode():
            fast(images)

    flop = 2 * resnetzoo.complexity(name).macs * batch_size
    return Contestant(f"resnetzoo {name}", TimedCall(infer, place.device), images=batch_size, flop=flop)


def step(name: str, *, batch_size: int, place: Place, compiled: bool = True, steps: int = 4) -> Contestant:
    """One training step of `fit`, its batch cut, augmented and normalized: `steps` of them a measurement."""
    run = RunningFit(name, batch_size, steps, place, compiled)
    return Contestant(f"resnetzoo {name}", run.seconds, images=batch_size, flop=_training_flop(name, batch_size))


def batches(images: resnetzoo.ImageSet, *, batch_size: int, place: Place) -> Contestant:
    """An epoch of the trainer's batches: drawn, cut, mirrored and normalized on the device."""
    cut = TrainBatches(
        images, measure_normalization(images.images, "channel"), padding=4, flip=True, device=place.device
    )

    def epoch() -> None:
        drawn = cut.draw(seed=0, epoch=0)
        for first in range(0, len(cut), batch_size):
            cut.batch(drawn, slice(first, first + batch_size))

    return Contestant("resnetzoo batches", TimedCall(epoch, place.device), images=len(images))


class RunningFit:
    """A run of `fit` that pauses between measurements, so that its step is compiled or recorded once.

    Args:
        name: of the network.
        batch_size: images a step.
        steps: of a measurement; an epoch has one more, which is not counted, like the test behind it.
        place: device and precision.
        compiled: as `compile` of `fit`.
    """

    def __init__(self, name: str, batch_size: int, steps: int, place: Place, compiled: bool) -> None:
        self.steps = steps
        self.device = place.device
        data = resnetzoo.synthetic(train_images=batch_size * (steps + 1), test_images=1)
        recipe = _gentle(epochs=1_000_000, steps_per_epoch=steps + 1, batch_size=batch_size)
        self.training = prepare(
            resnetzoo.create(name, seed=0),
            data,
            recipe,
            cut_on_device(data, recipe, place.device),
            seed=0,
            precision=place.precision,
            compile=compiled,
            out=None,
            ranks=Ranks(),
        )
        shown = self.training.progress(shown=False, bar=False)
        self._pauses = self.training.steps(shown, StopRequest(), None)

    def seconds(self) -> float:
        """Of one step, the device's work done."""
        synchronize(self.device)
        began = time.perf_counter()
        for _ in range(self.steps):
            next(self._pauses)
        synchronize(self.device)
        taken = time.perf_counter() - began
        epochs = len(self.training.rows)
        while len(self.training.rows) == epochs:
            next(self._pauses)
        return taken / self.steps


@dataclass
class Fit:
    """`fit` on a small set, again and again: each call goes on with the same network.

    Attributes:
        name: of the network.
        batch_size: images a step.
        steps: of an epoch.
        place: device and precision.
        compiled: as `compile` of `fit`.
        epochs: of one call; the first is not counted, for it may hold compilation.
        first_epoch: seconds of each call's first epoch.
        last_run: what the last call came to.
    """

    name: str
    batch_size: int
    steps: int
    place: Place
    compiled: bool | None = None
    epochs: int = 3
    first_epoch: list[float] = field(default_factory=list)
    last_run: resnetzoo.Run | None = None

    def __post_init__(self) -> None:
        self._model = resnetzoo.create(self.name, seed=0)
        self._data = resnetzoo.synthetic(train_images=self.batch_size * self.steps, test_images=10)
        self._recipe = _gentle(epochs=self.epochs, steps_per_epoch=self.steps, batch_size=self.batch_size)

    def seconds(self) -> float:
        """One step's share of the training time: the median over the epochs from the second on."""
        run = resnetzoo.fit(
            self._model,
            self._data,
            self._recipe,
            device=str(self.place.device),
            precision=self.place.precision,
            compile=self.compiled,
            progress=False,
        )
        self.last_run = run
        self.first_epoch.append(run.epochs[0].train_seconds)
        return self.batch_size / statistics.median(row.images_per_second for row in run.epochs[1:])

    def contestant(self) -> Contestant:
        flop = _training_flop(self.name, self.batch_size)
        return Contestant(f"resnetzoo {self.name}", self.seconds, images=self.batch_size, flop=flop)


def _training_flop(name: str, batch_size: int) -> int:
    return 2 * TRAINING_PASSES * resnetzoo.complexity(name).macs * batch_size


def _gentle(*, epochs: int, steps_per_epoch: int, batch_size: int) -> resnetzoo.Recipe:
    """A small rate: what is learned does not matter, that it stays finite does."""
    return resnetzoo.Recipe(
        name="BENCH",
        steps=steps_per_epoch * epochs,
        epochs=epochs,
        batch_size=batch_size,
        lr=1e-3,
        schedule=StepDecay(milestones=()),
        nesterov=True,
    )
