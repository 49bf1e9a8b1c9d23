"""A training state of `fit`: the content of its file, read strictly, and the network in it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from torch import Tensor

from resnetzoo.data.normalization import Normalization
from resnetzoo.errors import CheckpointError, DamagedCheckpointError, UsageError
from resnetzoo.models.cifar_net import CifarNet
from resnetzoo.models.pretrained import Pretrained
from resnetzoo.models.spec import ModelSpec
from resnetzoo.utils import text
from resnetzoo.utils.paths import user_path
from resnetzoo.utils.run_names import CHECKPOINT
from resnetzoo.weights.checkpoint.build import build_network
from resnetzoo.weights.checkpoint.file_type import SUFFIXES, kind_of
from resnetzoo.weights.checkpoint.metadata import Metadata, parse_spec
from resnetzoo.weights.checkpoint.prefixes import strip_prefixes
from resnetzoo.weights.checkpoint.torch_file import read_torch_file

FORMAT = "resnetzoo-checkpoint-1"


@dataclass(frozen=True)
class Checkpoint:
    """A training state between two steps.

    Attributes:
        identity: spec, recipe, seed, data and precision: what a run must share with this state to resume from it.
        step: number of completed optimizer steps.
        model: the state dict of the network being trained.
        optimizer: the state dict of the optimizer.
        normalization: normalization of the network's input.
        rows: the finished epochs, as dictionaries.
        totals: sums over the unfinished epoch.
        classes: the class names of the labels; older files do not store them.
        part: which part of the dataset it trains on; empty for the whole, and in older files.
        model_ema: the state dict of the network with the average of the weights; None if the recipe keeps none.
    """

    identity: dict[str, Any]
    step: int
    model: dict[str, Any]
    optimizer: dict[str, Any]
    normalization: Normalization
    rows: list[dict[str, Any]]
    totals: dict[str, Any]
    classes: tuple[str, ...] = ()
    part: str = ""
    model_ema: dict[str, Any] | None = None

    @property
    def networks(self) -> dict[str, dict[str, Any]]:
        """The state dicts by their keys; the last one is that of the network that was tested."""
        return {"model": self.model, **({} if self.model_ema is None else {"model_ema": self.model_ema})}

    def to_stored(self) -> dict[str, Any]:
        """The content of its file, which `parse_state` reads back."""
        values = {name: value for name, value in vars(self).items() if name != "model_ema" or value is not None}
        return {**values, "format": FORMAT, "normalization": self.normalization.to_stored()}


def read_checkpoint(path: Path) -> Checkpoint:
    """Read one file; nothing in it is executed.

    Raises:
        DamagedCheckpointError: all of it was read, and it is empty, truncated or damaged.
        CheckpointError: it is missing, cannot be read, or was not written by this version of the package.
    """
    content = read_torch_file(path)
    try:
        return parse_state(content)
    except CheckpointError as error:
        raise type(error)(f"{path}: {error}") from error


def is_training_state(content: object) -> TypeGuard[dict[str, Any]]:
    """Whether a file's content is a training state of this package, of whatever version."""
    return isinstance(content, dict) and str(content.get("format", "")).startswith("resnetzoo-checkpoint-")


def parse_state(content: object) -> Checkpoint:
    """The training state that a file of this package holds.

    Raises:
        CheckpointError: it holds something else, or the state of another version.
    """
    if not is_training_state(content):
        raise CheckpointError(
            f"not a checkpoint of resnetzoo's trainer ({FORMAT}); load_checkpoint reads weights of other makes"
        )
    values = dict(content)
    if values.pop("format") != FORMAT:
        raise CheckpointError(
            f"a training state in the format {content['format']}, this version of resnetzoo reads {FORMAT}"
        )
    try:
        normalization, classes = Normalization.from_stored(values["normalization"]), tuple(values.get("classes", ()))
        return Checkpoint(**{**values, "normalization": normalization, "classes": classes})
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedCheckpointError(f"a training state that lacks parts of it ({error})") from error


def open_checkpoint(path: str | Path) -> Checkpoint:
    """The training state in a file, or in a run's folder.

    Raises:
        CheckpointError: the file is missing, truncated, damaged, or was not written by `fit`.
    """
    return read_checkpoint(checkpoint_file(user_path(path)))


def network_of(checkpoint: Checkpoint) -> CifarNet:
    """The tested network of a training state, in evaluation mode, with its `.normalization` and `.classes`.

    Raises:
        UsageError: `checkpoint` is not a training state, but for example a path; `open_checkpoint` reads one.
        CheckpointError: the network is not one of this package, or the state is incomplete.
    """
    if not isinstance(checkpoint, Checkpoint):
        raise UsageError(
            f"network_of takes a training state, as open_checkpoint(path) returns, not {text.kind_of(checkpoint)}; "
            "load_checkpoint reads any file of weights"
        )
    spec = _spec(checkpoint)
    model = build_network(spec, state_weights(checkpoint))
    model.pretrained = _pretrained(checkpoint, spec)
    return model


def state_metadata(checkpoint: Checkpoint) -> Metadata:
    """What a training state says about its network.

    Raises:
        CheckpointError: the network is not one of this package.
    """
    spec = _spec(checkpoint)
    return Metadata(spec, _pretrained(checkpoint, spec))


def _pretrained(checkpoint: Checkpoint, spec: ModelSpec) -> Pretrained:
    classes = checkpoint.classes if len(checkpoint.classes) == spec.num_classes else None
    return Pretrained(checkpoint.normalization, classes)


def _spec(checkpoint: Checkpoint) -> ModelSpec:
    identity: object = checkpoint.identity
    if not isinstance(identity, dict):
        raise CheckpointError(f"a damaged training state: its identity is {kind_of(identity)}, not a dictionary")
    values = identity.get("spec") or {}
    if isinstance(values, dict) and "family" not in values:
        found = values.get("class", "network of another kind")
        raise CheckpointError(
            f"the checkpoint is of a {found}, which resnetzoo cannot build: load its weights yourself"
        )
    return parse_spec(values)


def state_training(checkpoint: Checkpoint) -> dict[str, object]:
    """What a training state says about the training, by name.

    Raises:
        CheckpointError: the state does not say all of it.
    """
    identity = checkpoint.identity
    try:
        return {
            "trained_on": identity["data"]["name"],
            **({"train_part": checkpoint.part} if checkpoint.part else {}),
            "train_fingerprint": identity["data"]["fingerprint"],
            "recipe": identity["recipe"]["name"],
            "seed": identity["seed"],
            "step": checkpoint.step,
        }
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"a training state that does not say how it was trained ({error})") from error


def state_weights(checkpoint: Checkpoint, key: str | None = None) -> dict[str, Tensor]:
    """The weights in a training state, by the names that they have in their network.

    Args:
        checkpoint: the training state.
        key: one of its `networks`; by default the one that was tested.

    Raises:
        CheckpointError: they are not tensors by name.
    """
    networks = checkpoint.networks
    values: object = networks.get(key or list(networks)[-1])
    if not isinstance(values, dict):
        raise CheckpointError(f"a damaged training state: its weights are {kind_of(values)}, not a dictionary")
    for name, value in values.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise CheckpointError(
                f"a damaged training state: {kind_of(value)} under {name!r:.40}, not a tensor by its name"
            )
    return strip_prefixes(values)[-1].weights  # older versions kept those of torch.compile and DataParallel


def checkpoint_file(path: Path) -> Path:
    """`path`, or the checkpoint in it if it is a run's folder.

    Raises:
        CheckpointError: a folder without one, or one that may not be read.
    """
    try:
        if not path.is_dir():
            return path
        if (path / CHECKPOINT).exists():
            return path / CHECKPOINT
        others = sorted(file.name for file in path.iterdir() if file.suffix.lower() in SUFFIXES)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror or error}") from error
    instead = f"; give one of its files: {', '.join(others[:4])}" if others else ""
    raise CheckpointError(f"{path}: a folder without {CHECKPOINT}{instead}")
