"""Training settings as frozen data, and the learning rate as a pure function of the step."""

import math
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, get_args

from resnetzoo.data.constants import NormalizationKind, PaddingMode
from resnetzoo.errors import UsageError
from resnetzoo.training.schedules import (
    LowStart,
    OneCycle,
    StepDecay,
    StretchedStep,
    checked_ends,
    part_of,
    schedule_from_dict,
    steps_per_epoch,
)
from resnetzoo.utils.text import counted, kind_of
from resnetzoo.utils.validation import check_choice, check_kind, check_number, check_real, check_whole_number

CIFAR_TRAIN_IMAGES = 50_000
"""The number of training images for which the presets in epochs state their steps."""

_LATER = (
    "crop_padding_mode",
    "extended_at",
    "cutout",
    "decay_norms_and_biases",
    "mixup",
    "ema_decay",
)  # settings that files of earlier versions do not have


@dataclass(frozen=True)
class Recipe:
    """How a network is trained: SGD with momentum, in steps of one batch.

    Args:
        name: the name in results.
        steps: number of optimizer steps; if the length is in epochs, the number for 50,000 images, which `for_images`
            adapts to any number of images.
        epochs: passes over the training images, whatever their number; None if the length is in steps.
        batch_size: images per step; the last batch of an epoch holds the remaining images.
        lr: the peak learning rate.
        schedule: how the rate changes.
        low_start: the start at a lower rate that very deep networks need, if any.
        momentum: momentum of SGD.
        nesterov: whether to use Nesterov momentum.
        weight_decay: weight decay of all parameters, unless `decay_norms_and_biases` is false.
        label_smoothing: share of the target that is spread over all classes, from 0 to below 1.
        normalization: `per_pixel_mean` (the paper's) or `channel`.
        crop_padding: pixels added on each side before a random crop to the original size; 0 leaves images in place.
        flip: mirror each image horizontally with probability 1/2.
        clip_norm: the largest norm of a step's gradient over all parameters; a longer gradient is scaled down to it
            (arXiv:1211.5063, section 3.2). None does not clip.
        crop_padding_mode: what fills the padding: `zeros` (in the normalized image), or `reflect` (the image mirrored
            at its border).
        extended_at: steps at which a run ended before it was extended, as `extended_to` writes them.
        cutout: side in pixels of a square hole of zeros in each training image, centered anywhere and clipped at the
            border (arXiv:1708.04552); 0 cuts no hole.
        decay_norms_and_biases: whether weight decay applies to all parameters, or only to those of two or more
            dimensions, which are the weights of convolutions and linear layers.
        mixup: parameter of mixup (arXiv:1710.09412): each image of a batch is mixed with the previous one, in
            proportions drawn for the batch from Beta(mixup, mixup), and so are their targets; 0 does not mix.
        ema_decay: decay per step of an exponential moving average of the weights, such as 0.999 (arXiv:1412.6980,
            section 7.2). The run tests and returns the averaged network; None keeps no average.

    Raises:
        UsageError: a setting has the wrong type or is outside its range.
    """

    name: str
    steps: int
    epochs: int | None
    lr: float
    schedule: StepDecay | OneCycle
    batch_size: int = 128
    low_start: LowStart | None = None
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 1e-4
    label_smoothing: float = 0.0
    normalization: NormalizationKind = "channel"
    crop_padding: int = 4
    flip: bool = True
    clip_norm: float | None = None
    crop_padding_mode: PaddingMode = "zeros"
    extended_at: tuple[int, ...] = ()
    cutout: int = 0
    decay_norms_and_biases: bool = True
    mixup: float = 0.0
    ema_decay: float | None = None

    def __post_init__(self) -> None:
        check_kind("name", self.name, str)
        for field in ("lr", "momentum", "weight_decay", "label_smoothing"):
            check_real(field, getattr(self, field))
        for field in ("clip_norm", "ema_decay"):
            if getattr(self, field) is not None:
                check_real(field, getattr(self, field))
        for field in ("nesterov", "flip", "decay_norms_and_biases"):
            check_kind(field, getattr(self, field), bool)
        check_kind("schedule", self.schedule, StepDecay | OneCycle)
        check_kind("low_start", self.low_start, LowStart | None)
        check_whole_number("steps", self.steps)
        check_whole_number("batch_size", self.batch_size)
        if self.epochs is not None:
            check_whole_number("epochs", self.epochs)
        if not (0 < self.lr < math.inf):
            raise UsageError(f"lr must be above 0 and finite, not {self.lr!r}")
        for field in ("momentum", "label_smoothing"):
            if not 0 <= getattr(self, field) < 1:
                raise UsageError(f"{field} must be from 0 to below 1, not {getattr(self, field)!r}")
        if self.nesterov and not self.momentum:
            raise UsageError("nesterov needs a momentum above 0")
        check_choice("normalization", self.normalization, get_args(NormalizationKind))
        if not 0 <= self.weight_decay < math.inf:
            raise UsageError(f"weight_decay must be 0 or more, not {self.weight_decay!r}")
        check_number("mixup", self.mixup, 0, 1000)  # far above this, all shares are close to a half
        check_whole_number("crop_padding", self.crop_padding, minimum=0)
        check_whole_number("cutout", self.cutout, minimum=0)
        check_choice("crop_padding_mode", self.crop_padding_mode, get_args(PaddingMode))
        if self.clip_norm is not None and not 0 < self.clip_norm < math.inf:
            raise UsageError(f"clip_norm must be above 0 and finite, or None, not {self.clip_norm!r}")
        if self.ema_decay is not None and not 0 < self.ema_decay < 1:
            raise UsageError(
                f"ema_decay must be above 0 and below 1, not {self.ema_decay!r}; leave it out for no average"
            )
        object.__setattr__(self, "extended_at", checked_ends(self.extended_at, self.steps))

    def with_epochs(self, epochs: int) -> "Recipe":
        """The same recipe with another number of epochs, its schedule in proportion, and a name that says so."""
        check_whole_number("epochs", epochs)
        if epochs == self.epochs:
            return self
        stretched = self._with_steps(epochs * steps_per_epoch(CIFAR_TRAIN_IMAGES, self.batch_size))
        return replace(stretched, name=f"{self.name}-{epochs}ep", epochs=epochs)

    def with_batch_size(self, batch_size: int) -> "Recipe":
        """The same recipe with another batch size. The rate stays the same: scale `lr` yourself if you want to.

        A recipe in epochs keeps them, and so gets another number of steps; one in steps keeps its steps.

        >>> from resnetzoo.recipes import HE2015, QUICK20
        >>> [recipe.with_batch_size(64).steps for recipe in (QUICK20, HE2015)]
        [15640, 64000]
        """
        check_whole_number("batch_size", batch_size)
        if batch_size == self.batch_size:
            return self
        changed = replace(self, name=f"{self.name}-bs{batch_size}", batch_size=batch_size)
        if self.epochs is None:
            return changed
        return changed._with_steps(self.epochs * steps_per_epoch(CIFAR_TRAIN_IMAGES, batch_size), whole=False)

    def with_settings(
        self,
        *,
        lr: float | None = None,
        weight_decay: float | None = None,
        label_smoothing: float | None = None,
        crop_padding_mode: PaddingMode | None = None,
        cutout: int | None = None,
        mixup: float | None = None,
        decay_norms_and_biases: bool | None = None,
        ema_decay: float | None = None,
    ) -> "Recipe":
        """The same recipe with another peak rate, weight decay and so on; None leaves a setting unchanged.

        The new name states the changes.

        >>> from resnetzoo.recipes import QUICK20
        >>> QUICK20.with_settings(lr=0.05, weight_decay=1e-3).name
        'QUICK20-lr0.05-wd0.001'
        >>> QUICK20.with_settings(crop_padding_mode="reflect", cutout=16, mixup=0.2, ema_decay=0.999).name
        'QUICK20-reflect-cutout16-mixup0.2-ema0.999'

        Raises:
            UsageError: a number outside its range.
        """
        settings: dict[str, tuple[str, Any]] = {
            "lr": ("lr", lr),
            "weight_decay": ("wd", weight_decay),
            "label_smoothing": ("ls", label_smoothing),
            "crop_padding_mode": ("", crop_padding_mode),
            "cutout": ("cutout", cutout),
            "mixup": ("mixup", mixup),
            "decay_norms_and_biases": (
                "normdecay" if decay_norms_and_biases else "nonormdecay",
                decay_norms_and_biases,
            ),
            "ema_decay": ("ema", ema_decay),
        }
        changed = {
            field: (short, value)
            for field, (short, value) in settings.items()
            if value is not None and value != getattr(self, field)
        }
        if not changed:
            return self
        words = (short if isinstance(value, bool) else f"{short}{value}" for short, value in changed.values())
        name = "-".join([self.name, *words])
        return replace(self, name=name, **{field: value for field, (_, value) in changed.items()})

    def extended_to(self, epochs: int, *, num_images: int = CIFAR_TRAIN_IMAGES) -> "Recipe":
        """The same recipe followed by more epochs, with a name that says so.

        The earlier steps keep their rates. Then a `OneCycle` rises to its peak and falls to zero once more over the
        added steps (a warm restart, arXiv:1608.03983), and a `StepDecay` continues at its last rate.

        >>> from resnetzoo.recipes import QUICK20
        >>> longer = QUICK20.extended_to(40)
        >>> longer.name, [round(lr_at(longer, step), 4) for step in (781, 7_819, 8_601, 15_639)]
        ('QUICK20-to40ep', [0.2, 0.0, 0.2, 0.0])

        Args:
            epochs: the total of the old and the new part.
            num_images: the number of training images, which determines the steps of an epoch if the recipe's length is
                in steps; a recipe in epochs does not need it.

        Raises:
            UsageError: `epochs` is not more than the recipe has.
        """
        check_whole_number("epochs", epochs)
        if self.epochs is None:
            steps, has = epochs * steps_per_epoch(num_images, self.batch_size), counted(self.steps, "step")
        else:
            steps, has = round(epochs * self.steps / self.epochs), counted(self.epochs, "epoch")
        if steps <= self.steps:
            raise UsageError(f"{self.name} has {has}: extend it to more than that, not to {counted(epochs, 'epoch')}")
        name, ends = f"{self.name}-to{epochs}ep", (*self.extended_at, self.steps)
        return replace(self, name=name, steps=steps, epochs=self.epochs and epochs, extended_at=ends)

    def for_images(self, num_images: int) -> "Recipe":
        """The recipe for this many training images: a recipe in epochs gets its number of steps."""
        if self.epochs is None:
            return self
        return self._with_steps(self.epochs * steps_per_epoch(num_images, self.batch_size))

    def _with_steps(self, steps: int, *, whole: bool = True) -> "Recipe":
        """Stretched to so many steps; unless `whole`, stretching the result again begins at exact places."""

        def stretched(places: tuple[int, ...]) -> tuple[int, ...]:
            found = (StretchedStep.of(place, self.steps, steps) for place in places)
            return tuple(int(place) if whole else place for place in found)

        schedule = self.schedule
        if isinstance(schedule, StepDecay):
            schedule = replace(schedule, milestones=stretched(schedule.milestones))
        return replace(self, steps=steps, schedule=schedule, extended_at=stretched(self.extended_at))

    def to_dict(self) -> dict[str, Any]:
        """The recipe as plain values, ready for JSON, including the kind of its schedule; `from_dict` reads them back.

        Settings that were added later are left out at their default, so that a recipe without them is stored as before.
        """
        values = asdict(self)
        for field in fields(self):
            if field.name in _LATER and values[field.name] == field.default:
                del values[field.name]
        values["schedule"] = {"kind": type(self.schedule).__name__, **values["schedule"]}
        if isinstance(self.schedule, StepDecay):
            values["schedule"]["milestones"] = [int(milestone) for milestone in self.schedule.milestones]
        if self.extended_at:
            values["extended_at"] = [int(end) for end in self.extended_at]
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Recipe":
        """The recipe that `to_dict` described."""
        low = values["low_start"]
        return cls(
            **{
                **values,
                "schedule": schedule_from_dict(values["schedule"]),
                "low_start": LowStart(**low) if low else None,
                "extended_at": values.get("extended_at") or (),
            }
        )


def check_recipe(found: object) -> None:
    """Refuse anything but a `Recipe`.

    Raises:
        UsageError: `found` is something else; the message says what to write.
    """
    if not isinstance(found, Recipe):
        named = f"resnetzoo.recipes.get_recipe({found!r})" if isinstance(found, str) else "resnetzoo.recipes.QUICK20"
        raise UsageError(f"recipe must be a resnetzoo.Recipe, not {kind_of(found)}: write {named}")


def lr_at(recipe: Recipe, step: int) -> float:
    """The learning rate of the step with this number, from 0; after the last step it keeps its final value.

    >>> from resnetzoo.recipes import HE2015
    >>> [lr_at(HE2015, step) for step in (0, 31_999, 32_000, 48_000)]
    [0.1, 0.1, 0.01, 0.001]
    """
    check_recipe(recipe)
    check_whole_number("step", step, minimum=0)
    schedule = recipe.schedule
    if isinstance(schedule, StepDecay):
        drops = sum(step >= milestone for milestone in schedule.milestones)
        return float(f"{recipe.lr * schedule.factor**drops:.12g}")  # 0.01, not 0.010000000000000002
    begin, end = part_of(step, (*recipe.extended_at, recipe.steps))
    step, steps = step - begin, end - begin  # within this cycle
    rise = round(schedule.rise * steps)
    if step < rise:
        return recipe.lr * (step + 1) / rise
    return recipe.lr * max(steps - step, 0) / max(steps - rise, 1)


def starts_low(recipe: Recipe, depth: int, train_errors: list[float]) -> bool:
    """Whether the low start is still active, given the training error (percent) of each complete epoch."""
    low = recipe.low_start
    if low is None or depth < low.min_depth:
        return False
    return all(error >= low.until_error for error in train_errors)
