"""Where `resnetzoo.plots` has always been."""

from resnetzoo.models.diagram import draw as draw
from resnetzoo.models.diagram import save_drawing as save_drawing
from resnetzoo.reproduce.curves import *
