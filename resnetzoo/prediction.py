"""Where `resnetzoo.prediction` has always been."""

from resnetzoo.inference import *
