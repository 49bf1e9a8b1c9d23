"""The weights in what a file holds: out of nested dictionaries, under the names inside their network."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from torch import Tensor

from resnetzoo.errors import CheckpointError
from resnetzoo.weights.checkpoint.file_type import kind_of
from resnetzoo.weights.checkpoint.metadata import NO_METADATA, Metadata
from resnetzoo.weights.checkpoint.prefixes import strip_prefixes
from resnetzoo.weights.checkpoint.stated_names import StatedName, stated_names

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
_SAVE_WEIGHTS = "save a network's weights with torch.save(model.state_dict(), path)"
_DEEPEST = 5  # dictionaries inside each other; a pickle can hold one that holds itself


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


def unwrap(content: object) -> list[Unwrapped]:
    """The weights in the content of anybody's file, in each way that their names can be read; see `strip_prefixes`.

    Raises:
        CheckpointError: there are none, or those of several networks under different prefixes.
    """
    opened: list[str] = []
    notes: list[str] = []
    training: dict[str, object] = {}
    stated: list[StatedName] = []
    while True:
        if not isinstance(content, Mapping):
            raise CheckpointError(f"it holds {kind_of(content)}, not a dictionary of weights; {_SAVE_WEIGHTS}")
        training |= {key: _plain(content[key]) for key in _TOLD if isinstance(_plain(content.get(key)), int | float)}
        stated += stated_names(content)
        if _is_weights(content):
            break
        keys = [key for key in NESTED if _holds_weights(content.get(key))]
        if not keys:
            raise CheckpointError(_no_weights(content))
        if len(keys) > 1:
            notes.append(f"weights also under {', '.join(map(repr, keys[1:]))}, which were not taken")
        content = content[keys[0]]
        opened.append(f'["{keys[0]}"]')
    weights = {key: value for key, value in content.items() if isinstance(key, str) and isinstance(value, Tensor)}
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


def _is_weights(content: Mapping[object, object]) -> bool:
    return any(
        isinstance(key, str) and key.endswith(".weight") and isinstance(value, Tensor) for key, value in content.items()
    )


def _holds_weights(content: object, depth: int = 0) -> bool:
    if not isinstance(content, Mapping) or depth > _DEEPEST:
        return False
    return _is_weights(content) or any(_holds_weights(content.get(key), depth + 1) for key in NESTED)


def _no_weights(content: Mapping[object, object]) -> str:
    if "param_groups" in content and "state" in content:
        return f"it holds an optimizer's state and no network; {_SAVE_WEIGHTS}"
    elsewhere = [repr(key) for key, value in content.items() if _holds_weights(value)]
    if elsewhere:
        return (
            f"its weights are under a key that is not looked into, {' or '.join(elsewhere)}; save them alone: "
            f"torch.save(torch.load(path)[{elsewhere[0]}], path)"
        )
    keys = ", ".join(f"{key!r} ({kind_of(content[key])})" for key in list(content)[:6])
    return f"it holds no layer's weights, but {keys or 'an empty dictionary'}; {_SAVE_WEIGHTS}"


def _plain(value: object) -> object:
    """A tensor of one number, or a number of numpy, as a number of Python."""
    if isinstance(value, np.generic):
        return value.item()
    return value.item() if isinstance(value, Tensor) and value.numel() == 1 and not value.is_meta else value
