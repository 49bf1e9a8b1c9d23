"""Extract the weights from the content of a file: out of nested dictionaries, under their names inside the network."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from torch import Tensor

from resnetzoo.errors import CheckpointError
from resnetzoo.weights.checkpoint.file_type import kind_of
from resnetzoo.weights.checkpoint.metadata import NO_METADATA, Metadata
from resnetzoo.weights.checkpoint.own_normalization import OwnNormalization, own_normalizations
from resnetzoo.weights.checkpoint.parts import (
    DEEPEST,
    Part,
    Step,
    choices,
    choose_part,
    find_parts,
    is_average,
    is_weights,
    listed,
    weights_of,
)
from resnetzoo.weights.checkpoint.prefixes import strip_prefixes
from resnetzoo.weights.checkpoint.stated_names import ROLES, StatedName, stated_names
from resnetzoo.weights.checkpoint.unsupported import only_computed

# Where trainers put the weights among other things; of several, the first in this order is taken.
NESTED = (
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "network",
    "weights",
    "params",
    "module",
    "ema",
    "model_ema",
    "ema_state_dict",
    "state_dict_ema",
)
# Entries beside the weights that are worth reporting.
_TOLD = ("epoch", "best_prec1", "best_acc", "acc")
_SAVE_WEIGHTS = 'save a network\'s weights in a file of their own: torch.save(model.state_dict(), "network-weights.pt")'


class Unwrapped(NamedTuple):
    """Weights by their names inside the network, and what the file says about them.

    Attributes:
        weights: tensors by name, without prefixes.
        opened: the keys and prefixes that led to the weights, from the outside in.
        notes: notes on what was left out.
        training: what the file says about the training, by name: epoch, score, seed.
        metadata: what a file of this package says about its network.
        stated: what any other file calls its network.
        doubts: what the user should know about the choice among several networks, one sentence each.
        normalizations: the tensors called mean and std in the file; there may be several, of several networks.
    """

    weights: dict[str, Tensor]
    opened: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    training: Mapping[str, object] = MappingProxyType({})
    metadata: Metadata = NO_METADATA
    stated: tuple[StatedName, ...] = ()
    doubts: tuple[str, ...] = ()
    normalizations: tuple[OwnNormalization, ...] = ()


class _Told:
    """What dictionaries say beside the weights: about the training, which network it is, and its normalization."""

    def __init__(self) -> None:
        self.training: dict[str, object] = {}
        self.stated: list[StatedName] = []
        self.normalizations: list[OwnNormalization] = []

    def add(self, content: object, role: str | None = None) -> None:
        """Add what a dictionary says; a normalization further inside belongs to fewer networks."""
        if isinstance(content, Mapping):
            values = {key: _plain(content.get(key)) for key in _TOLD}
            self.training.update({key: value for key, value in values.items() if isinstance(value, int | float)})
            self.stated.extend(stated_names(content, role))
            self.normalizations = own_normalizations(content) or self.normalizations


def unwrap(content: object, key: str | None = None) -> list[Unwrapped]:
    """The weights in the content of anybody's file, in each possible reading of their names; see `strip_prefixes`.

    Args:
        content: what the file holds.
        key: which of its networks is meant, as in `choose_part`; by default the one that is trained.

    Raises:
        CheckpointError: there are none, or there are several networks and nothing says which one is meant.
    """
    part = Part(()) if key is None else choose_part(content, key)
    told = _Told()
    inner, role = content, _role(part)
    for step in part.way:
        told.add(inner, role)
        inner = inner[step]  # type: ignore[index]
    if key is not None and isinstance(inner, Mapping) and (part.prefix or not part.way):
        told.add(inner, role)
        inner = weights_of(inner, part)
    way = list(part.way)
    while not (isinstance(inner, Mapping) and is_weights(inner)):
        told.add(inner)
        entry = _trained(inner)
        if entry is None:
            raise CheckpointError(_no_weights(inner, tuple(way)))
        inner = inner[entry]  # type: ignore[index]
        way.append(entry)
    told.add(inner)
    parts = find_parts(content)
    beside = [one for one in parts if one.way == tuple(way) and one.prefix.startswith(part.prefix)]
    others = [] if key is not None else _others(content, parts, inner)
    opened = [*map(_in_brackets, way), *([part.prefix] if part.prefix else [])]
    return [
        Unwrapped(
            stripped.weights,
            (*opened, *stripped.prefixes),
            (*_left(others), *stripped.notes),
            told.training,
            stated=tuple(told.stated),
            doubts=_doubts("".join(opened), others),
            normalizations=tuple(told.normalizations),
        )
        for stripped in strip_prefixes(_network_tensors(inner), beside)
    ]


def _network_tensors(content: Mapping[object, object]) -> dict[str, Tensor]:
    """The tensors of a dictionary by name, without the mean and deviation of a normalization among them."""
    aside = {name for own in own_normalizations(content) for name in own.names}
    tensors = {name: value for name, value in content.items() if isinstance(name, str) and isinstance(value, Tensor)}
    return {name: value for name, value in tensors.items() if name not in aside}


def _role(part: Part) -> str | None:
    """Whether a key such as `teacher` or `state_dict.teacher_model` means a student or a teacher."""
    words = re.split(r"[._]", part.label)
    return next((role for role in ROLES if role in words), None)


def _trained(content: object) -> str | None:
    """The key of the trained network's weights; None if there is no known one."""
    known = NESTED if isinstance(content, Mapping) else ()
    return next((name for name in known if _holds_weights(content.get(name))), None)  # type: ignore[attr-defined]


def _in_brackets(step: Step) -> str:
    return f'["{step}"]' if isinstance(step, str) else f"[{step}]"


def _others(content: object, parts: list[Part], taken: object) -> list[str]:
    """The keys of networks in dictionaries other than the selected one."""
    return listed(part for part in parts if part.known and _at(content, part.way) is not taken)


def _left(others: list[str]) -> tuple[str, ...]:
    listing = ", ".join(map(repr, others))
    return (f"weights also under {listing}, which were not taken; {choices(others)}",) if others else ()


def _doubts(taken: str, others: list[str]) -> tuple[str, ...]:
    """A warning about other networks that the user may have meant; an average does not count as another network."""
    doubtful = [key for key in others if not is_average(key)]
    return (f"it holds several networks, of which {taken} was taken; {choices(doubtful)}",) if doubtful else ()


def _at(content: object, way: tuple[Step, ...]) -> object:
    for step in way:
        content = content[step]  # type: ignore[index]
    return content


def _holds_weights(content: object, depth: int = 0) -> bool:
    if not isinstance(content, Mapping) or depth > DEEPEST:
        return False
    return is_weights(content) or any(_holds_weights(content.get(key), depth + 1) for key in NESTED)


def _no_weights(content: object, way: tuple[Step, ...]) -> str:
    """The error for content at the end of `way` in which no trained network can be recognized."""
    parts = [part._replace(way=(*way, *part.way)) for part in find_parts(content)]
    if parts:
        keys = listed(parts)
        file = re.sub(r"[^\w.-]+", "_", keys[0])
        return (
            f"its weights are under a key that is not looked into, {' or '.join(map(repr, keys))}; {choices(keys)}; or "
            f"save them alone: torch.save(resnetzoo.load_checkpoint(path, key={keys[0]!r}).state_dict(), "
            f'"{file}-weights.pt")'
        )
    if not isinstance(content, Mapping):
        return f"it holds {kind_of(content)}, not a dictionary of weights; {_SAVE_WEIGHTS}"
    if computed := only_computed(name for name in content if isinstance(name, str)):
        return computed
    if "param_groups" in content and "state" in content:
        return f"it holds an optimizer's state and no network; {_SAVE_WEIGHTS}"
    if content.keys() == {"logits", "labels"}:
        return "it holds the logits of a test and no network: resnetzoo.load_logits reads it"
    entries = ", ".join(f"{key!r} ({kind_of(content[key])})" for key in list(content)[:6])
    return f"it holds no layer's weights, but {entries or 'an empty dictionary'}; {_SAVE_WEIGHTS}"


def _plain(value: object) -> object:
    """Convert a one-element tensor or a numpy number to a Python number."""
    if isinstance(value, np.generic):
        return value.item()
    return value.item() if isinstance(value, Tensor) and value.numel() == 1 and not value.is_meta else value
