"""The network names that training scripts write beside the weights: `arch`, options, hyper-parameters."""

from argparse import Namespace
from collections.abc import Mapping
from typing import Any, NamedTuple

from resnetzoo.errors import CheckpointError
from resnetzoo.models.spec import Family, ModelSpec
from resnetzoo.utils.strict_json import from_json
from resnetzoo.weights.checkpoint.foreign_name import foreign_architecture, loaded_all_the_same
from resnetzoo.weights.checkpoint.infer_spec import as_family, describe, is_also_plain
from resnetzoo.weights.checkpoint.network_name import NetworkName, parse_network_name

# Entries whose text is the name of the network.
_NAMES = (
    "arch",
    "architecture",
    "arch_name",
    "model",
    "model_name",
    "model_arch",
    "model_type",
    "net",
    "net_name",
    "net_type",
    "network",
    "network_name",
    "backbone",
    "backbone_name",
)
# Entries that contain such entries; in those that only describe a network, `name` and `family` are its own.
_NETWORKS = ("model", "net", "network", "backbone", "arch", "architecture", "model_config", "model_cfg", "spec")
_SECTIONS = (
    *_NETWORKS,
    "args",
    "hparams",
    "hyper_parameters",
    "hyperparameters",
    "config",
    "cfg",
    "opt",
    "opts",
    "options",
    "params",
    "kwargs",
    "init_args",
    "model_args",
    "model_kwargs",
    "meta",
    "metadata",
)
_DEEPEST = 4  # sections inside each other
ROLES = {"student": "s", "teacher": "t"}  # with the letter that distillation scripts append to their options


class StatedName(NamedTuple):
    """A network name that a file states.

    Attributes:
        where: the keys that lead to it: `args.arch`.
        word: what it says.
        name: what that means; None if it is another architecture.
    """

    where: str
    word: str
    name: NetworkName | None

    def __str__(self) -> str:
        return f"{self.where} says {self.word}"


def stated_names(content: object, role: str | None = None) -> list[StatedName]:
    """The network names in the entries of a dictionary; unknown ones are ignored.

    Args:
        content: what is beside the weights, a dictionary or options of argparse; anything else has no entries.
        role: `student` or `teacher`, for files that have both: whose names are meant.
    """
    return _stated(content, _keys(role), (), 0)


def _keys(role: str | None) -> tuple[str, ...]:
    """The entries that hold a name; without a role also those of students, since the student is the trained network."""
    word = role or "student"
    letter = ROLES[word]
    own = (word, *(f"{word}_{key}" for key in _NAMES), *(f"{key}_{end}" for key in _NAMES for end in (word, letter)))
    return own if word == "teacher" else (*_NAMES, *own)


def _stated(content: object, keys: tuple[str, ...], way: tuple[str, ...], depth: int) -> list[StatedName]:
    entries = _entries(content)
    names = (*keys, "name", "family") if way and way[-1] in _NETWORKS else keys
    found = []
    for key in names:
        value = entries.get(key)
        if isinstance(value, str) and ((name := parse_network_name(value)) or foreign_architecture(value)):
            found.append(StatedName(".".join((*way, key)), value, name))
    if depth < _DEEPEST:  # a pickle can hold a dictionary that holds itself
        for key in (key for key in _SECTIONS if key in entries):
            found += _stated(entries[key], keys, (*way, key), depth + 1)
    return found


def _entries(content: object) -> Mapping[Any, object]:
    if isinstance(content, Namespace):
        return vars(content)
    if isinstance(content, str) and content.lstrip().startswith("{"):  # as in the metadata of safetensors
        try:
            content = from_json(content)
        except ValueError:
            return {}
    return content if isinstance(content, Mapping) else {}


def settle_family(
    spec: ModelSpec, stated: tuple[StatedName, ...], family: Family | None
) -> tuple[ModelSpec, list[str], list[str]]:
    """The spec, with the family that was requested or that the names state if the weights leave it open.

    Args:
        spec: the spec inferred from names and shapes.
        stated: what the file calls its network.
        family: the requested family, as in `load_checkpoint`; it takes precedence over the names.

    Returns:
        The spec; notes for its origin; and warnings for the user, one sentence each.

    Raises:
        CheckpointError: the names mean another network than the weights, or contradict each other; or the weights are
            of another family than requested.
        UsageError: there is no such family.
    """
    if family is not None:
        settled = as_family(spec, family)
        wrong = [
            f"loaded as {settled.label}, as asked for, but its {said}" for said in stated if not _is(said, settled)
        ]
        return settled, [], wrong
    for said in stated:
        if said.name is None or said.name.fits(spec):
            continue
        theirs, found = said.name.difference(spec) or ("", "")
        raise CheckpointError(
            f"its {said}{theirs and f', of {theirs}'}, but its names and shapes are those of {spec.label}, "
            f"{describe(spec)}{found and f', of {found}'}; if the name is wrong, "
            f'family="{spec.family}" loads what the weights are'
        )
    doubts = _doubts(spec, stated)
    if not is_also_plain(spec):
        return spec, [], doubts
    families = {said.name.family: said for said in reversed(stated) if said.name is not None}
    if len(families) > 1:
        contradicting = " and ".join(map(str, families.values()))
        raise CheckpointError(
            f'its {contradicting}, and its names and shapes are those of both; give family="plain" or family="residual"'
        )
    if not families:
        return spec, [], doubts
    ((said_family, said),) = families.items()
    return as_family(spec, said_family), [f"{said_family}, as its {said}"], doubts


def _doubts(spec: ModelSpec, stated: tuple[StatedName, ...]) -> list[str]:
    """What may be wrong with a network although its names and shapes leave no doubt, one sentence each."""
    found = {}
    for said in stated:
        if said.name is None:
            found[said.word] = f"its {said}, {loaded_all_the_same(spec)}"
        elif not said.name.is_label_of(spec) and (usual := said.name.structure.usual_widths) not in (None, spec.widths):
            found[said.word] = f"its {said}, which has widths {usual} here, the weights have widths {spec.widths}"
    return list(found.values())


def _is(said: StatedName, spec: ModelSpec) -> bool:
    return said.name is not None and said.name.family == spec.family and said.name.fits(spec)
