"""Networks from files, this package's and others': read, unwrapped, translated, recognised, built."""

from resnetzoo.loading.load import CheckpointWarning as CheckpointWarning
from resnetzoo.loading.load import load_checkpoint as load_checkpoint
from resnetzoo.loading.trained import network_of as network_of
from resnetzoo.loading.trained import open_checkpoint as open_checkpoint
