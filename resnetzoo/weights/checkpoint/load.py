"""A network from a file, whoever wrote it: read, unwrap, translate, recognise, build."""

import warnings
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from resnetzoo.errors import CheckpointError
from resnetzoo.models.cifar_net import CifarNet
from resnetzoo.models.fingerprint import restore_row
from resnetzoo.models.pretrained import Origin, Pretrained
from resnetzoo.models.spec import Family, ModelSpec
from resnetzoo.weights.checkpoint.build import build_network
from resnetzoo.weights.checkpoint.infer_spec import as_family, check_family, infer_spec, is_also_plain
from resnetzoo.weights.checkpoint.key_mapping import find_layout, our_names
from resnetzoo.weights.checkpoint.load_warnings import claim_of, doubts_of
from resnetzoo.weights.checkpoint.publishers import find_author, normalization_of
from resnetzoo.weights.checkpoint.safetensors_file import SUFFIX, SafetensorsFile, read_safetensors
from resnetzoo.weights.checkpoint.torch_file import read_torch_file
from resnetzoo.weights.checkpoint.training_state import (
    Checkpoint,
    checkpoint_file,
    checkpoint_of,
    is_training_state,
    network_of,
)
from resnetzoo.weights.checkpoint.unsupported import stranger_by_names, stranger_by_shapes
from resnetzoo.weights.checkpoint.unwrap import Found, find_weights

_AS_THE_FILE_SAYS = "as the file says"
_UNKNOWN = "unknown (evaluate takes that of the images, unless it is given another)"


class CheckpointWarning(UserWarning):
    """A network was loaded, but may not be what its file's name or its user takes it for."""


def load_checkpoint(path: str | Path, *, family: Family | None = None) -> CifarNet:
    """The network in a file, in evaluation mode, with its `.spec`, `.normalization`, `.classes` and `.origin`.

    Reads files of `torch.save` and of safetensors in the names of this package, torchvision (so chenyaofo's and
    bearpaw's), akamaster and pytorchcv: weights alone, or a dictionary with them in it, with whatever prefixes wrappers
    put before their names. Depth, family, block, shortcut, widths, classes and channels are read off names and shapes;
    `print(model.origin)` says what was found and how. Nothing in the file is executed.

    Args:
        path: the file, or the folder of a run of `fit`.
        family: what weights are that fit two families: `residual`, if left out, or `plain`, whose networks have the
            names and shapes of residual ones with identity shortcuts. Files of `fit` say it themselves.

    Raises:
        CheckpointError: not there, truncated, damaged, or no network of this package; the message says what it is
            instead.
        UsageError: an unknown family.

    Warns:
        CheckpointWarning: the file's name says another depth or family, `family` asks for another than its author
            publishes, or the names leave open how the network computes.
    """
    file = checkpoint_file(Path(path))
    content = read_safetensors(file) if file.suffix.lower() == SUFFIX else read_torch_file(file)
    try:
        if is_training_state(content):
            return _trained(checkpoint_of(content), file, family)
        if isinstance(content, SafetensorsFile):
            if content.spec is not None:
                check_family(content.spec, family)
                return stored_network(content, content.spec, file)
            content = content.weights
        model, doubts = _recognised(find_weights(content), file, family)
    except CheckpointError as error:
        raise CheckpointError(f"{file}: {error}") from error
    for doubt in doubts:
        warnings.warn(f"{file}: {doubt}", CheckpointWarning, stacklevel=2)
    return model


def _trained(checkpoint: Checkpoint, file: Path, family: Family | None) -> CifarNet:
    """The network of a run of `fit`, which says what it is."""
    model = network_of(checkpoint)
    check_family(model.spec, family)
    identity = checkpoint.identity
    try:
        training = {
            "trained_on": identity["data"]["name"],
            "recipe": identity["recipe"]["name"],
            "seed": identity["seed"],
            "step": checkpoint.step,
        }
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"a training state that does not say how it was trained ({error})") from error
    origin = Origin(str(file), "resnetzoo", _in_words(model.spec), normalization=_AS_THE_FILE_SAYS, training=training)
    model.pretrained = replace(model.pretrained, origin=origin)
    return model


def stored_network(content: SafetensorsFile, spec: ModelSpec, file: Path) -> CifarNet:
    """The network of a safetensors file of this package, which says what it is.

    Raises:
        CheckpointError: its weights are not those of `spec`.
    """
    model = build_network(spec, content.weights)
    known = content.normalization
    said = _UNKNOWN if known is None else _AS_THE_FILE_SAYS
    origin = Origin(str(file), "resnetzoo", _in_words(spec), normalization=said)
    model.pretrained = Pretrained(known, content.classes, origin)
    restore_row(model, content.metadata)
    return model


def _recognised(found: Found, file: Path, family: Family | None) -> tuple[CifarNet, list[str]]:
    """The network with these weights, and what is doubtful about it."""
    _refuse(stranger_by_names(found.weights), file)
    layout = find_layout(found.weights)
    names = our_names(layout, found.weights)
    weights: dict[str, Tensor] = {names[name]: tensor for name, tensor in found.weights.items()}
    shapes = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    _refuse(stranger_by_shapes(shapes), file)
    inferred = infer_spec(shapes)
    spec = as_family(inferred, family)
    model = build_network(spec, weights)

    author = find_author(layout.name, spec)
    said = _UNKNOWN if author is None else f"as {author.name} trains (the file does not say)"
    notes = list(found.notes)
    if layout.name == "torchvision" and is_also_plain(inferred) and family is None:
        notes.append(f'plainnet{spec.depth} has the same names and shapes: family="plain" loads it as that')
    origin = Origin(str(file), layout.name, _in_words(spec), found.opened, said, tuple(notes), training=found.beside)
    model.pretrained = Pretrained(None if author is None else normalization_of(author), origin=origin)
    return model, doubts_of(spec, layout.name, file)


def _refuse(stranger: str | None, file: Path) -> None:
    if stranger is not None:
        claim = claim_of(file)
        claimed = f", not the {claim.word} of {claim.depth} layers that its name says" if claim else ""
        raise CheckpointError(
            f"it is {stranger}{claimed}; resnetzoo has the CIFAR networks of arXiv:1512.03385: a 3x3 stem, three "
            'stages, one width a stage ("resnetzoo list")'
        )


def _in_words(spec: ModelSpec) -> str:
    words = [spec.label, f"{spec.num_classes} classes"]
    if spec.in_chans != 3:
        words.append(f"{spec.in_chans} input channels")
    if spec.widths != (16, 32, 64):
        words.append(f"widths {spec.widths}")
    return ", ".join(words)
