"""Where `resnetzoo.recipes` has always been."""

from resnetzoo.training.recipes import *
from resnetzoo.training.schedules import *
