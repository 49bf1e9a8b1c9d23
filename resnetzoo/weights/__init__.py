"""Trained weights: which are available, and how they were made."""

from resnetzoo.models.pretrained import Weights as Weights
from resnetzoo.weights.catalog import default_weights as default_weights
from resnetzoo.weights.catalog import get_weights as get_weights
from resnetzoo.weights.catalog import list_weights as list_weights
