"""How networks are trained: the public names of `resnetzoo.training.recipes` and `resnetzoo.training.schedules`."""

from resnetzoo.training.recipes import CIFAR_TRAIN_IMAGES as CIFAR_TRAIN_IMAGES
from resnetzoo.training.recipes import HE2015 as HE2015
from resnetzoo.training.recipes import MODERN as MODERN
from resnetzoo.training.recipes import QUICK20 as QUICK20
from resnetzoo.training.recipes import RECIPES as RECIPES
from resnetzoo.training.recipes import SMOKE as SMOKE
from resnetzoo.training.recipes import Recipe as Recipe
from resnetzoo.training.recipes import get_recipe as get_recipe
from resnetzoo.training.recipes import lr_at as lr_at
from resnetzoo.training.recipes import starts_low as starts_low
from resnetzoo.training.schedules import LowStart as LowStart
from resnetzoo.training.schedules import OneCycle as OneCycle
from resnetzoo.training.schedules import StepDecay as StepDecay
from resnetzoo.training.schedules import steps_per_epoch as steps_per_epoch
