"""The networks of the zoo as contestants, by the functions that users call: `create`, `optimize`, `fit`."""

import statistics
from dataclasses import dataclass, field

import torch

import resnetzoo
from resnetzoo.batches import TrainBatches
from resnetzoo.bench.place import Place
from resnetzoo.bench.timing import Contestant, TimedCall
from resnetzoo.bench.work import TRAINING_PASSES, random_images
from resnetzoo.normalization import measure_normalization
from resnetzoo.recipes import StepDecay


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
    """One training step inside `fit`, its batch cut, augmented and normalized: see `Fit`."""
    return Fit(name, batch_size, steps, place, compiled).contestant()


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
        self._recipe = resnetzoo.Recipe(
            name="BENCH",
            steps=self.steps * self.epochs,
            epochs=self.epochs,
            batch_size=self.batch_size,
            lr=1e-3,  # small: what is learned does not matter, that it stays finite does
            schedule=StepDecay(milestones=()),
            nesterov=True,
        )

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
        flop = 2 * TRAINING_PASSES * resnetzoo.complexity(self.name).macs * self.batch_size
        return Contestant(f"resnetzoo {self.name}", self.seconds, images=self.batch_size, flop=flop)
