"""The weights in what a file holds: out of nested dictionaries, under the names inside their network."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from torch import Tensor

from resnetzoo.errors import CheckpointError
from resnetzoo.weights.checkpoint.file_type import kind_of
from resnetzoo.weights.checkpoint.metadata import NO_METADATA, Metadata
from resnetzoo.weights.checkpoint.parts import (
    DEEPEST,
    Part,
    choices,
    choose_part,
    find_parts,
    is_weights,
    listed,
    weights_of,
)
from resnetzoo.weights.checkpoint.prefixes import strip_prefixes
from resnetzoo.weights.checkpoint.stated_names import ROLES, StatedName, stated_names

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
# What is worth telling of the entries beside the weights.
_TOLD = ("epoch", "best_prec1", "best_acc", "acc")
_SAVE_WEIGHTS = 'save a network\'s weights in a file of their own: torch.save(model.state_dict(), "network-weights.pt")'


class Unwrapped(NamedTuple):
    """Weights by their names inside their network, and what the file says of them.

    Attributes:
        weights: tensors by name, without prefixes.
        opened: keys gone into and prefixes taken off, from the outside in.
        notes: what was left aside.
        training: what the file says of the training, by name: epoch, score, seed.
        metadata: what a file of this package says of its network.
        stated: what a file of others calls its network.
    """

    weights: dict[str, Tensor]
    opened: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    training: Mapping[str, object] = MappingProxyType({})
    metadata: Metadata = NO_METADATA
    stated: tuple[StatedName, ...] = ()


def unwrap(content: object, key: str | None = None) -> list[Unwrapped]:
    """The weights in the content of anybody's file, in each way that their names can be read; see `strip_prefixes`.

    Args:
        content: what the file holds.
        key: which of its networks is meant, as in `choose_part`; left out, the one that is trained.

    Raises:
        CheckpointError: there are none, or those of several networks and nothing says which is meant.
    """
    part = Part(()) if key is None else choose_part(content, key)
    role = next((role for role in ROLES if role in part.label.split(".")), None)
    opened = [*(f'["{step}"]' for step in part.way), *([part.prefix] if part.prefix else [])]
    notes: list[str] = []
    training: dict[str, object] = {}
    stated: list[StatedName] = []
    for step in part.way:
        _tell(content, training, stated, role)
        content = content[step]  # type: ignore[index]
    if key is not None and isinstance(content, Mapping) and (part.prefix or not part.way):
        _tell(content, training, stated, role)
        content = weights_of(content, part)
    while True:
        if not isinstance(content, Mapping):
            raise CheckpointError(f"it holds {kind_of(content)}, not a dictionary of weights; {_SAVE_WEIGHTS}")
        _tell(content, training, stated, None)
        if is_weights(content):
            break
        keys = [key for key in NESTED if _holds_weights(content.get(key))]
        if not keys:
            raise CheckpointError(_no_weights(content))
        if len(keys) > 1:
            notes.append(_not_taken(keys))
        content = content[keys[0]]
        opened.append(f'["{keys[0]}"]')
    weights = {name: value for name, value in content.items() if isinstance(name, str) and isinstance(value, Tensor)}
    return [
        Unwrapped(
            stripped.weights,
            (*opened, *stripped.prefixes),
            (*notes, *stripped.notes),
            training,
            stated=tuple(stated),
        )
        for stripped in strip_prefixes(weights)
    ]


def _tell(content: object, training: dict[str, object], stated: list[StatedName], role: str | None) -> None:
    """Add what a dictionary says beside the weights in it: of the training, and which network it is."""
    if isinstance(content, Mapping):
        values = {key: _plain(content.get(key)) for key in _TOLD}
        training.update({key: value for key, value in values.items() if isinstance(value, int | float)})
        stated.extend(stated_names(content, role))


def _not_taken(keys: list[str]) -> str:
    return f"weights also under {', '.join(map(repr, keys[1:]))}, which were not taken; {choices(keys[1:])}"


def _holds_weights(content: object, depth: int = 0) -> bool:
    if not isinstance(content, Mapping) or depth > DEEPEST:
        return False
    return is_weights(content) or any(_holds_weights(content.get(key), depth + 1) for key in NESTED)


def _no_weights(content: Mapping[object, object]) -> str:
    if "param_groups" in content and "state" in content:
        return f"it holds an optimizer's state and no network; {_SAVE_WEIGHTS}"
    parts = find_parts(content)
    if parts:
        keys = listed(parts)
        steps = "".join(f"[{step!r}]" for step in parts[0].way)
        return (
            f"its weights are under a key that is not looked into, {' or '.join(map(repr, keys))}; {choices(keys)}; or "
            f'save them alone: torch.save(torch.load(path){steps}, "{parts[0].way[-1]}-weights.pt")'
        )
    entries = ", ".join(f"{key!r} ({kind_of(content[key])})" for key in list(content)[:6])
    return f"it holds no layer's weights, but {entries or 'an empty dictionary'}; {_SAVE_WEIGHTS}"


def _plain(value: object) -> object:
    """A tensor of one number, or a number of numpy, as a number of Python."""
    if isinstance(value, np.generic):
        return value.item()
    return value.item() if isinstance(value, Tensor) and value.numel() == 1 and not value.is_meta else value
