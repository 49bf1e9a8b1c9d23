"""Trained weights: what there is, and how it was made."""

from resnetzoo.weights.catalogue import default_weights as default_weights
from resnetzoo.weights.catalogue import get_weights as get_weights
from resnetzoo.weights.catalogue import list_weights as list_weights
from resnetzoo.weights.row import Weights as Weights
