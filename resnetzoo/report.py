"""Where `resnetzoo.report` has always been."""

from resnetzoo.reproduce.comparison import *
