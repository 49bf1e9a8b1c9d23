"""The weights in what a file holds: out of nested dictionaries, under the names inside their network."""

import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from torch import Tensor

from resnetzoo.errors import CheckpointError
from resnetzoo.models.cifar_net import without_values
from resnetzoo.weights.checkpoint.build import differing_names
from resnetzoo.weights.checkpoint.file_type import kind_of
from resnetzoo.weights.checkpoint.infer_spec import infer_spec
from resnetzoo.weights.checkpoint.key_mapping import find_layout, our_names

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


def _plain(value: object) -> object:
    """A tensor of one number, or a number of numpy, as a number of Python."""
    if isinstance(value, np.generic):
        return value.item()
    return value.item() if isinstance(value, Tensor) and value.numel() == 1 and not value.is_meta else value


# Put before every name by DataParallel and DDP, torch.compile, Lightning and Fabric, FSDP, people's own classes.
PREFIXES = (
    "module.",
    "_orig_mod.",
    "_forward_module.",
    "_fsdp_wrapped_module.",
    "model.",
    "net.",
    "network.",
    "backbone.",
    "encoder.",
    "ema.",
)
# Where parts of a network were compiled, sharded or checkpointed by themselves, between the parts of a name.
_INSIDE = re.compile(r"(?<![^.])(_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")
_STEM = re.compile(r"(.+\.)(?:conv1|features\.init_block(?:\.conv)?)\.weight")
_AVERAGE = re.compile(r"(?:\w+_)?ema(?:_\w+)?\.")


class Bare(NamedTuple):
    """Weights by the names that they have inside their network.

    Attributes:
        weights: tensors by name.
        taken: what was taken off, from the outside in.
        notes: what was left aside.
    """

    weights: dict[str, Tensor]
    taken: tuple[str, ...]
    notes: tuple[str, ...]


def without_prefixes(weights: dict[str, Tensor]) -> Bare:
    """`weights` without what wrappers put into their names, and without their average beside them.

    Raises:
        CheckpointError: they are of several networks under different prefixes.
    """
    taken: list[str] = []
    weights, notes = _without_average(weights)
    while prefix := _known_prefix(weights):
        weights, aside = _inside(weights, prefix)
        taken.append(prefix)
        weights, averages = _without_average(weights)
        notes += aside + averages
    weights, inside = _without_parts(weights)
    taken += inside
    if prefix := _own_prefix(weights):
        weights, aside = _inside(weights, prefix)
        taken.append(prefix)
        notes += aside
    return Bare(weights, tuple(taken), tuple(notes))


def _layers(weights: dict[str, Tensor], dimensions: int) -> list[str]:
    """Convolutions have 4 dimensions, classifiers 2; the mean of a normalization may have as many, and is no layer."""
    return [name for name, value in weights.items() if ".weight" in name and value.dim() >= dimensions]


def _inside(weights: dict[str, Tensor], prefix: str) -> tuple[dict[str, Tensor], list[str]]:
    aside = [name for name in weights if not name.startswith(prefix)]
    notes = [f"left aside: {', '.join(aside[:3])}{', ...' * (len(aside) > 3)}"] if aside else []
    return {name[len(prefix) :]: value for name, value in weights.items() if name.startswith(prefix)}, notes


def _without_average(weights: dict[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """Without the moving average of the weights, where both are there."""
    averages = {name: found[0] for name in weights if (found := _AVERAGE.match(name))}
    convolutions = _layers(weights, 4)
    if not any(name in averages for name in convolutions) or all(name in averages for name in convolutions):
        return weights, []
    kept = {name: value for name, value in weights.items() if name not in averages}
    where = ", ".join(f'"{prefix}"' for prefix in sorted(set(averages.values())))
    return kept, [f"averaged weights also under {where}, which were not taken"]


def _known_prefix(weights: dict[str, Tensor]) -> str | None:
    """The prefix of wrappers before the names of all convolutions; None if they have none.

    Raises:
        CheckpointError: before some of them only.
    """
    convolutions = _layers(weights, 4)
    for prefix in PREFIXES:
        inside = [name for name in convolutions if name.startswith(prefix)]
        outside = [name for name in convolutions if not name.startswith(prefix)]
        if inside and outside:
            raise CheckpointError(
                f'it mixes names with the prefix "{prefix}" and names without: {len(inside)} convolutions such as '
                f"{inside[0]}, {len(outside)} such as {outside[0]}; save the weights of one network alone"
            )
        if inside:
            return prefix
    return None


def _without_parts(weights: dict[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    parts = dict.fromkeys(part for name in weights for part in _INSIDE.findall(name))
    bare: dict[str, Tensor] = {}
    for name, value in weights.items():
        short = _INSIDE.sub("", name)
        if short in bare:
            raise CheckpointError(f"it has two sets of weights for one layer: {short}, with and without {name}")
        bare[short] = value
    return bare, [f"{part}." for part in parts]


def _own_prefix(weights: dict[str, Tensor]) -> str | None:
    """The name that somebody's class gave the network, before all layers; None if there is none.

    Any word may be one, so what is left has to have the names of a network of this package, no more and no fewer.
    """
    layers = _layers(weights, 2)
    prefixes = {found[1] for name in layers if (found := _STEM.fullmatch(name))}
    for prefix in prefixes:
        if all(name.startswith(prefix) for name in layers) and _is_one_of_ours(_inside(weights, prefix)[0]):
            return prefix
    return None


def _is_one_of_ours(weights: dict[str, Tensor]) -> bool:
    try:
        names = our_names(find_layout(weights), weights)
        shapes = {names[name]: tuple(value.shape) for name, value in weights.items()}
        return differing_names(without_values(infer_spec(shapes)).state_dict(), shapes) == ([], [])
    except CheckpointError:
        return False
