"""Where `resnetzoo.rerunning` has always been."""

from resnetzoo.reproduce.rerunning import *
