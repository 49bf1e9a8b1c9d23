"""A trained network back from its checkpoint."""

from pathlib import Path

from resnetzoo.checkpoint import CHECKPOINT, Checkpoint, read_checkpoint
from resnetzoo.errors import CheckpointError
from resnetzoo.network import CifarNet
from resnetzoo.normalization import carry_normalization
from resnetzoo.spec import ModelSpec


def load_checkpoint(path: str | Path) -> CifarNet:
    """The network in a checkpoint of `fit`, in evaluation mode, with its `.spec` and `.normalization`.

    Args:
        path: the file, or the run's folder.

    Raises:
        CheckpointError: not there, truncated, damaged, or of a network that is not this package's.
    """
    return network_of(open_checkpoint(path))


def open_checkpoint(path: str | Path) -> Checkpoint:
    """The training state in a file, or in a run's folder.

    Raises:
        CheckpointError: not there, truncated, damaged, or not written by `fit`.
    """
    path = Path(path)
    return read_checkpoint(path / CHECKPOINT if path.is_dir() else path)


def network_of(checkpoint: Checkpoint) -> CifarNet:
    """The network of a training state.

    Raises:
        CheckpointError: it is of a network that is not this package's.
    """
    spec = checkpoint.identity["spec"]
    if "family" not in spec:
        raise CheckpointError(
            f"the checkpoint is of a {spec['class']}, which resnetzoo cannot build: load its weights yourself"
        )
    model = CifarNet(ModelSpec.from_dict(spec))
    model.load_state_dict(checkpoint.model)
    carry_normalization(model, checkpoint.normalization)
    return model.eval()
