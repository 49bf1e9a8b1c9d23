"""What a file states about its network, which timm drops when it passes on the weights."""

import warnings
from pathlib import Path

from timm.models import load_state_dict

from resnetzoo.errors import CheckpointError
from resnetzoo.models.spec import ModelSpec
from resnetzoo.weights.checkpoint.foreign_name import loaded_all_the_same
from resnetzoo.weights.checkpoint.infer_spec import describe
from resnetzoo.weights.checkpoint.load import CheckpointWarning, unwrap_content
from resnetzoo.weights.checkpoint.recognize import first_network
from resnetzoo.weights.checkpoint.source import read_file
from resnetzoo.weights.checkpoint.unwrap import Unwrapped


def check_file(file: Path, spec: ModelSpec) -> None:
    """Refuse a file that timm cannot load, or one that states another network than `spec`.

    Such a network may have the same names and shapes. Files that cannot be read here are left to timm if it can read
    them.

    Raises:
        CheckpointError: the file cannot be read, contains no network, or states another one.

    Warns:
        CheckpointWarning: the file names an architecture that is not one of the zoo.
    """
    try:
        content = read_file(file)
    except CheckpointError:
        if _timm_reads(file):
            return
        raise
    try:
        check_stated(first_network(unwrap_content(content)), spec)
    except CheckpointError as error:
        raise CheckpointError(f"{file}: {error}") from error


def _timm_reads(file: Path) -> bool:
    try:
        load_state_dict(str(file))
    except Exception:  # raised by whatever reads the file
        return False
    return True


def check_stated(unwrapped: Unwrapped, spec: ModelSpec) -> None:
    """Refuse weights that are stated to belong to a network that computes something else with the same shapes.

    Raises:
        CheckpointError: the stated network has another family or order of layers.

    Warns:
        CheckpointWarning: the stated architecture is not one of the zoo.
    """
    stated = unwrapped.metadata.spec
    if stated is not None and _order(stated) != _order(spec):
        raise CheckpointError(f"it says that its network is {stated.label}, {_instead(spec)}")
    for said in unwrapped.stated:
        if said.name is None:
            warnings.warn(f"its {said}, {loaded_all_the_same(spec)}", CheckpointWarning, stacklevel=2)
        elif said.name.family != spec.family:
            raise CheckpointError(f"its {said}, {_instead(spec)}")


def _order(spec: ModelSpec) -> tuple[object, ...]:
    """What names and shapes do not determine."""
    raw = spec.projection_input if spec.shortcut != "identity" else None
    return spec.family, spec.norm, spec.last_norm, raw, spec.strided_conv


def _instead(spec: ModelSpec) -> str:
    return (
        f"and {spec.label} was asked for, {describe(spec)}: create the network that the file names; if the name is "
        "wrong, save its state_dict alone and load that"
    )
