"""How long runs should take on this machine, from a few steps of each network."""

from dataclasses import dataclass, replace

from resnetzoo.data.images import Data
from resnetzoo.recipes import OneCycle, steps_per_epoch
from resnetzoo.reproduce.plan import PlannedRun
from resnetzoo.train import fit

_TEST_IMAGES = 100


@dataclass(frozen=True)
class Pace:
    """Seconds an image, in training and in a test."""

    train: float
    test: float

    def seconds(self, run: PlannedRun, data: Data, done: int) -> float:
        """What is left of a run after `done` steps."""
        steps = run.recipe.steps - done
        epochs = -(-steps // steps_per_epoch(len(data.train), run.recipe.batch_size))
        images = steps * min(run.recipe.batch_size, len(data.train))
        return images * self.train + epochs * len(data.test) * self.test


def measure_pace(run: PlannedRun, data: Data, *, device: str, precision: str) -> Pace:
    """Two epochs of one batch each, of which the second is timed; nothing is compiled and nothing kept."""
    small = data.first(min(run.recipe.batch_size, len(data.train)), min(_TEST_IMAGES, len(data.test)))
    recipe = replace(run.recipe, steps=2, epochs=None, lr=1e-3, schedule=OneCycle(), low_start=None)
    timed = fit(run.build(), small, recipe, device=device, precision=precision, compile=False, progress=False)
    row = timed.epochs[-1]
    return Pace(train=1 / row.images_per_second, test=row.test_seconds / len(small.test))


def in_words(seconds: float) -> str:
    """`12 s`, `3 min`, `2 h 05 min`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
