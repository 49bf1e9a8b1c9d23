"""The names of the files that a run keeps in its folder."""

from resnetzoo.training.callbacks.log_file import LOG_FILE
from resnetzoo.training.logits_file import LOGITS_FILE
from resnetzoo.training.results import RUN_FILE
from resnetzoo.training.run_folder import DAMAGED, PREVIOUS
from resnetzoo.weights.checkpoint.training_state import CHECKPOINT

STATES = (CHECKPOINT, PREVIOUS, DAMAGED)
RESULTS = (LOG_FILE, LOGITS_FILE, RUN_FILE)
