"""The recipes by name: frozen presets, each with its source."""

from resnetzoo.training.recipes import CIFAR_TRAIN_IMAGES, Recipe
from resnetzoo.training.schedules import LowStart, OneCycle, StepDecay, steps_per_epoch
from resnetzoo.utils.lookup import look_up
from resnetzoo.utils.validation import check_kind

_EPOCH = steps_per_epoch(CIFAR_TRAIN_IMAGES, 128)  # steps per epoch at the usual batch size

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

Source: the length is that of the source document (81.13 % against 85.69 %), whose other settings are not known; batch
size, momentum, padding and flip are those of arXiv:1512.03385, section 4.2; one cycle (arXiv:1708.07120,
arXiv:1905.04753) with Nesterov momentum and weight decay 5e-4 makes the most of 20 epochs. Both networks are trained
with the same settings.
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

Source: arXiv:1512.03385, section 4.2: 64,000 iterations with batches of 128, momentum 0.9 (no Nesterov), weight decay
1e-4, learning rate 0.1, divided by 10 at 32,000 and 48,000; pad 4, crop, flip; per-pixel mean subtracted. Depth 110
starts at 0.01 until the training error is below 80 % ("about 400 iterations"); here the error is checked at the end of
each epoch, every 391 iterations.
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

Source: one cycle from arXiv:1708.07120, label smoothing from arXiv:1512.00567 (section 7), weight decay 5e-4 and
Nesterov momentum from arXiv:1605.07146 (section 3).
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
"""The recipe of wide residual networks; the dropout rate, 0 or 0.3 inside each block, is a setting of the network.

Source: arXiv:1605.07146, section 3: SGD with Nesterov momentum 0.9 and cross-entropy, learning rate 0.1, multiplied by
0.2 at epochs 60, 120 and 160 of 200, weight decay 5e-4, batches of 128; pad 4 with reflections, crop, flip; channel
mean and standard deviation ("mean/std", tables 5 and 6; earlier tables use ZCA whitening).
`scripts/train_cifar.sh` and `train.lua` of szagoruyko/wide-residual-networks have the same settings, but leave out the
smaller last batch of an epoch, which therefore has 390 steps there.
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
"""The recipe of ResNeXt-29.

Source: arXiv:1611.05431, section 5.3: learning rate 0.1, divided by 10 at epochs 150 and 225 of 300, momentum 0.9,
weight decay 5e-4. From the README of facebookresearch/ResNeXt: batches of 128 and these blocks ("original", not
pre-activated); from its `train.lua` and `datasets/cifar10.lua`: Nesterov momentum, pad 4 with zeros, crop, flip,
channel mean and standard deviation. That code lowers the rate after 0.49 and 0.74 of the epochs, at 147 and 222; this
recipe follows the paper.
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
"""A run of a few seconds, which shows that everything works; its accuracy means nothing.

Source: none; it is our own.
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
