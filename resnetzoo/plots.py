"""Pictures of networks and runs: the public names of `resnetzoo.models.diagram` and `resnetzoo.reproduce.curves`."""

from resnetzoo.models.diagram import draw as draw
from resnetzoo.models.diagram import save_drawing as save_drawing
from resnetzoo.reproduce.curves import error_curves as error_curves
from resnetzoo.reproduce.curves import save_comparison as save_comparison
