"""Strip the prefixes that wrappers add to weight names: DataParallel, torch.compile, trainers, users' classes."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from resnetzoo.errors import CheckpointError
from resnetzoo.utils.text import counted
from resnetzoo.weights.checkpoint.parts import Part, choices, is_average, network_prefixes

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
# Found inside names if parts of a network were compiled, sharded or checkpointed separately.
_INSIDE = re.compile(r"(?<![^.])(_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")
_STEM = re.compile(r"(.+\.)(?:conv1|conv_1_3x3|features\.init_block(?:\.conv)?)\.weight")


class Stripped(NamedTuple):
    """Weights by their names inside the network.

    Attributes:
        weights: tensors by name.
        prefixes: the prefixes that were removed, from the outside in.
        notes: notes on what was left out.
    """

    weights: dict[str, Tensor]
    prefixes: tuple[str, ...]
    notes: tuple[str, ...]


def strip_prefixes(weights: dict[str, Tensor], parts: Sequence[Part] = ()) -> list[Stripped]:
    """The possible readings of `weights` without the prefixes of wrappers and without an average stored beside them.

    In the last one, only the prefixes of wrappers are removed. In those before it, so is the name that a user's class
    may have given to the network. Any word can be such a name, so what remains must be a complete network.

    Args:
        weights: tensors by name.
        parts: the networks among them, with their places in the file, for messages.

    Raises:
        CheckpointError: they are of several networks under different prefixes; the message lists them.
    """
    prefixes: list[str] = []
    weights, notes = _without_average(weights, parts)
    while prefix := _known_prefix(weights, parts):
        weights, aside = _with_classifier(weights, prefix)
        prefixes.append(prefix)
        weights, averages = _without_average(weights, parts)
        notes += aside + averages
    weights, inside = _without_parts(weights)
    prefixes += inside
    stripped = []
    own = _own_prefixes(weights)
    if not own and len(networks := [prefix.rstrip(".") for prefix in network_prefixes(weights)]) > 1:
        raise CheckpointError(f"it holds several networks, {', '.join(map(repr, networks))}; {_one_of(parts)}")
    for prefix in own:
        bare, aside = _inside(weights, prefix)
        stripped.append(Stripped(bare, (*prefixes, prefix), (*notes, *aside)))
    return [*stripped, Stripped(weights, tuple(prefixes), tuple(notes))]


def _layers(weights: dict[str, Tensor], dimensions: int) -> list[str]:
    """The names of weights with at least this many dimensions: 4 for convolutions, 2 to include classifiers.

    The mean of a normalization may have as many, but it is not called a weight.
    """
    return [name for name, value in weights.items() if ".weight" in name and value.dim() >= dimensions]


def _inside(weights: dict[str, Tensor], prefix: str) -> tuple[dict[str, Tensor], list[str]]:
    aside = [name for name in weights if not name.startswith(prefix)]
    notes = [f"left aside: {', '.join(aside[:3])}{', ...' * (len(aside) > 3)}"] if aside else []
    return {name[len(prefix) :]: value for name, value in weights.items() if name.startswith(prefix)}, notes


def _with_classifier(weights: dict[str, Tensor], prefix: str) -> tuple[dict[str, Tensor], list[str]]:
    """The weights under a prefix; if they include no classifier, the only linear layer outside becomes it."""
    inside, notes = _inside(weights, prefix)
    outside = {name: value for name, value in weights.items() if not name.startswith(prefix)}
    layers = [name for name in _layers(outside, 2) if name.endswith(".weight")]
    if len(layers) != 1 or any(value.dim() == 2 for value in inside.values()):
        return inside, notes
    layer = layers[0].removesuffix("weight")  # with its point
    parts = {f"fc.{name.removeprefix(layer)}": value for name, value in outside.items() if name.startswith(layer)}
    return {**inside, **parts}, [f"{layer.rstrip('.')} was taken for the classifier"]


def _without_average(weights: dict[str, Tensor], parts: Sequence[Part]) -> tuple[dict[str, Tensor], list[str]]:
    """Drop the moving average if the weights themselves are there too."""
    first = {name: name.split(".")[0] for name in weights}
    averages = {name: f"{word}." for name, word in first.items() if is_average(word)}
    convolutions = _layers(weights, 4)
    if not any(name in averages for name in convolutions) or all(name in averages for name in convolutions):
        return weights, []
    kept = {name: value for name, value in weights.items() if name not in averages}
    where = ", ".join(f'"{prefix}"' for prefix in sorted(set(averages.values())))
    keys = [part.label for part in parts if is_average(part.prefix)]
    return kept, [f"averaged weights also under {where}, which were not taken{f'; {choices(keys)}' if keys else ''}"]


def _known_prefix(weights: dict[str, Tensor], parts: Sequence[Part]) -> str | None:
    """The wrapper prefix that the names of all convolutions share; None if there is none.

    Raises:
        CheckpointError: only some of them have a prefix.
    """
    convolutions = _layers(weights, 4)
    for prefix in PREFIXES:
        inside = [name for name in convolutions if name.startswith(prefix)]
        outside = [name for name in convolutions if not name.startswith(prefix)]
        if inside and outside:
            raise CheckpointError(
                f'it mixes names with the prefix "{prefix}" and names without: '
                f"{counted(len(inside), 'convolution')} such as {inside[0]}, {len(outside)} such as "
                f"{outside[0]}; {_one_of(parts)}"
            )
        if inside:
            return prefix
    return None


def _one_of(parts: Sequence[Part]) -> str:
    keys = [part.label for part in parts]
    return choices(keys) if len(keys) > 1 else "save the weights of one network alone"


def _without_parts(weights: dict[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    parts = dict.fromkeys(part for name in weights for part in _INSIDE.findall(name))
    bare: dict[str, Tensor] = {}
    for name, value in weights.items():
        short = _INSIDE.sub("", name)
        if short in bare:
            raise CheckpointError(f"it has two sets of weights for one layer: {short}, with and without {name}")
        bare[short] = value
    return bare, [f"{part}." for part in parts]


def _own_prefixes(weights: dict[str, Tensor]) -> list[str]:
    """Prefixes that the names of all layers share, which may be the attribute of the network in a user's class."""
    layers = _layers(weights, 2)
    prefixes = dict.fromkeys(found[1] for name in layers if (found := _STEM.fullmatch(name)))
    return [prefix for prefix in prefixes if all(name.startswith(prefix) for name in layers)]
