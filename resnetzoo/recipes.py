"""How networks are trained: the public names of `recipes`, `presets` and `schedules` in `resnetzoo.training`."""

from resnetzoo.training.presets import HE2015 as HE2015
from resnetzoo.training.presets import MODERN as MODERN
from resnetzoo.training.presets import QUICK20 as QUICK20
from resnetzoo.training.presets import RECIPES as RECIPES
from resnetzoo.training.presets import RESNEXT2017 as RESNEXT2017
from resnetzoo.training.presets import SMOKE as SMOKE
from resnetzoo.training.presets import WRN2016 as WRN2016
from resnetzoo.training.presets import get_recipe as get_recipe
from resnetzoo.training.recipes import CIFAR_TRAIN_IMAGES as CIFAR_TRAIN_IMAGES
from resnetzoo.training.recipes import Recipe as Recipe
from resnetzoo.training.recipes import lr_at as lr_at
from resnetzoo.training.recipes import starts_low as starts_low
from resnetzoo.training.schedules import LowStart as LowStart
from resnetzoo.training.schedules import OneCycle as OneCycle
from resnetzoo.training.schedules import StepDecay as StepDecay
from resnetzoo.training.schedules import steps_per_epoch as steps_per_epoch
