"""The weights in what a file holds: out of nested dictionaries, under the names inside their network."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from torch import Tensor

from resnetzoo.errors import CheckpointError
from resnetzoo.loading.prefixes import without_prefixes

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


class Found(NamedTuple):
    """Weights by their names, and how they were found.

    Attributes:
        weights: tensors by name, without prefixes.
        opened: keys gone into and prefixes taken off, from the outside in.
        notes: what was left aside.
        beside: entries next to the weights that tell of the training.
    """

    weights: dict[str, Tensor]
    opened: tuple[str, ...]
    notes: tuple[str, ...]
    beside: dict[str, object]


def find_weights(content: object) -> Found:
    """The weights in the content of a file.

    Raises:
        CheckpointError: there are none, or those of several networks under different prefixes.
    """
    opened: list[str] = []
    notes: list[str] = []
    beside: dict[str, object] = {}
    while True:
        if not isinstance(content, Mapping):
            raise CheckpointError(f"it holds {kind_of(content)}, not a dictionary of weights; {_SAVE_WEIGHTS}")
        beside |= {key: _plain(content[key]) for key in _TOLD if isinstance(_plain(content.get(key)), int | float)}
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
    bare = without_prefixes(weights)
    return Found(bare.weights, (*opened, *bare.taken), (*notes, *bare.notes), beside)


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


def kind_of(value: object) -> str:
    """A value in two or three words, for messages: `a list of 3`."""
    if value is None:
        return "None"
    if isinstance(value, Tensor):
        return f"a tensor of shape {list(value.shape)}"
    if isinstance(value, list | tuple | dict):
        return f"a {type(value).__name__} of {len(value)}"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def _plain(value: object) -> object:
    """A tensor of one number, or a number of numpy, as a number of Python."""
    if isinstance(value, np.generic):
        return value.item()
    return value.item() if isinstance(value, Tensor) and value.numel() == 1 and not value.is_meta else value
