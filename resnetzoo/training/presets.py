"""The recipes by name: frozen presets, each with its source."""

from resnetzoo.training.recipes import CIFAR_TRAIN_IMAGES, Recipe
from resnetzoo.training.schedules import LowStart, OneCycle, StepDecay, steps_per_epoch
from resnetzoo.utils.lookup import look_up
from resnetzoo.utils.validation import check_kind

_EPOCH = steps_per_epoch(CIFAR_TRAIN_IMAGES, 128)  # in steps of the usual batch

QUICK20 = Recipe(
    name="QUICK20",
    steps=20 * _EPOCH,
    epochs=20,
    lr=0.2,
    schedule=OneCycle(rise=0.1),
    nesterov=True,
    weight_decay=5e-4,
)
"""The 20-epoch comparison of a sequential and a residual network.

Source: the length is the source document's (81.13 % against 85.69 %), whose other settings are not known; batch,
momentum, padding and flip are arXiv:1512.03385's, section 4.2; one cycle (arXiv:1708.07120, arXiv:1905.04753) with
Nesterov momentum and decay 5e-4 makes the most of 20 epochs. Both networks get the same.
"""

HE2015 = Recipe(
    name="HE2015",
    steps=64_000,
    epochs=None,
    lr=0.1,
    schedule=StepDecay(milestones=(32_000, 48_000)),
    low_start=LowStart(lr=0.01, until_error=80.0, min_depth=110),
    normalization="per_pixel_mean",
)
"""The paper's own recipe.

Source: arXiv:1512.03385, section 4.2: 64,000 iterations of 128, momentum 0.9 (no Nesterov), weight decay 1e-4,
0.1 divided by 10 at 32,000 and 48,000; pad 4, crop, flip; per-pixel mean subtracted. Depth 110 starts at 0.01 until
the training error is below 80 % ("about 400 iterations"): here it is looked at when an epoch ends, every 391.
"""

MODERN = Recipe(
    name="MODERN",
    steps=60 * _EPOCH,
    epochs=60,
    lr=0.2,
    schedule=OneCycle(rise=0.1),
    nesterov=True,
    weight_decay=5e-4,
    label_smoothing=0.1,
)
"""The best accuracy in a given budget; set the budget with `with_epochs`.

Source: one cycle of arXiv:1708.07120, label smoothing of arXiv:1512.00567 (section 7), decay 5e-4 and Nesterov
momentum of arXiv:1605.07146 (section 3).
"""

WRN2016 = Recipe(
    name="WRN2016",
    steps=200 * _EPOCH,
    epochs=200,
    lr=0.1,
    schedule=StepDecay(milestones=(60 * _EPOCH, 120 * _EPOCH, 160 * _EPOCH), factor=0.2),
    nesterov=True,
    weight_decay=5e-4,
    crop_padding_mode="reflect",
)
"""That of wide residual networks; dropout, 0 or 0.3 between the two convolutions of a block, is the network's.

Source: arXiv:1605.07146, section 3: SGD with Nesterov momentum 0.9 and cross-entropy, rate 0.1, times 0.2 at epochs 60,
120 and 160 of 200, weight decay 5e-4, batches of 128; pad 4 with reflections, crop, flip; channel mean and deviation
("mean/std", tables 5 and 6; earlier tables whiten by ZCA). The same in `scripts/train_cifar.sh` and `train.lua` of
szagoruyko/wide-residual-networks, which leaves out the smaller last batch of an epoch, and so does 390 steps in it.
"""

RESNEXT2017 = Recipe(
    name="RESNEXT2017",
    steps=300 * _EPOCH,
    epochs=300,
    lr=0.1,
    schedule=StepDecay(milestones=(150 * _EPOCH, 225 * _EPOCH)),
    nesterov=True,
    weight_decay=5e-4,
)
"""That of ResNeXt-29.

Source: arXiv:1611.05431, section 5.3: rate 0.1 divided by 10 at epochs 150 and 225 of 300, momentum 0.9, weight decay
5e-4. From the README of facebookresearch/ResNeXt: batches of 128 and these blocks ("original", not pre-activated); from
its `train.lua` and `datasets/cifar10.lua`: Nesterov momentum, pad 4 with zeros, crop, flip, channel mean and deviation.
There the rate falls at 0.49 and 0.74 of the epochs, so at 147 and 222; here as the paper has it.
"""

SMOKE = Recipe(
    name="SMOKE",
    steps=24,
    epochs=None,
    lr=0.1,
    schedule=OneCycle(rise=0.25),
    batch_size=64,
    nesterov=True,
    weight_decay=5e-4,
)
"""Takes seconds, shows that everything runs, and measures nothing.

Source: none, it is our own.
"""

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (QUICK20, HE2015, MODERN, WRN2016, RESNEXT2017, SMOKE)}
"""The presets by name."""


def get_recipe(name: str) -> Recipe:
    """The preset with this name, in upper or lower case.

    Raises:
        UsageError: no such preset; the message lists them.
    """
    check_kind("recipe", name, str)
    capitals = name.upper()
    return look_up("recipe", capitals if capitals in RECIPES else name, RECIPES)
