"""Load networks from our own and other people's files: identify, read, unwrap, remap, infer, build, attach."""

from resnetzoo.weights.checkpoint.load import CheckpointWarning as CheckpointWarning
from resnetzoo.weights.checkpoint.load import load_checkpoint as load_checkpoint
from resnetzoo.weights.checkpoint.training_state import network_of as network_of
from resnetzoo.weights.checkpoint.training_state import open_checkpoint as open_checkpoint
