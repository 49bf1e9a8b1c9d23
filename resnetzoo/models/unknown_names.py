"""The message for a name that is not registered: how to build such a network, or what the name might mean."""

import re
from collections.abc import Mapping, Sequence

from resnetzoo.models.blocks.types import BLOCK_TYPES, BLOCKS
from resnetzoo.models.depths import FOUR_STAGES, is_valid_depth, nearest_depths
from resnetzoo.models.series import SeriesName, find_series
from resnetzoo.models.spec import WIDTHS, ModelSpec
from resnetzoo.utils.lookup import near_or_all
from resnetzoo.utils.text import brief, natural_order

_DEPTH = re.compile(rf"({'|'.join({kind.prefix: None for kind in BLOCK_TYPES})})(\d{{1,6}})")


def unknown_name(name: object, known: Mapping[str, ModelSpec]) -> str:
    """What is wrong with `name`, which is not among the `known` ones, and what to type instead."""
    if not isinstance(name, str):
        return f'a model is named by a string such as "resnet56", not {brief(name)}'
    if (named := find_series(name.lower())) and not named.rest:
        return _of_series(name, named, known)
    network, point, _ = name.partition(".")
    if point and network in known:
        return (
            f'unknown model "{name}": a name with a point is that of weights or of a file, which resnetzoo.load_model '
            f'loads. resnetzoo.list_weights("{network}.*") lists the weights of the network "{network}"'
        )
    wanted = name.lower().replace("-", "").replace("_", "")
    parts = _DEPTH.fullmatch(wanted)
    if parts and wanted not in known:
        return _unknown_depth(name, parts[1], int(parts[2]), known)
    said = f'unknown model "{name}"; {near_or_all(wanted, sorted(known, key=natural_order))}'
    return said + _which_is_which([parts[0]] if parts else [], known)


def _of_series(name: str, named: SeriesName, known: Mapping[str, ModelSpec]) -> str:
    if named.registered in known:
        return f'unknown model "{name}"; did you mean {named.registered}?'
    step, rest = named.series.rule
    if not named.is_valid:
        valid = sorted(nearest_depths(named.depth, step, rest))
        near = " or ".join(named.of_depth(depth).registered for depth in valid)
        return f'unknown model "{name}": depth {named.depth} is not {step}n+{rest}; the nearest valid: {near}'
    spec = f"resnetzoo.ModelSpec({named.arguments_in_words})"
    return f'"{name}" is not a registered name, but it can be: resnetzoo.register("{named.registered}", {spec})'


def _unknown_depth(name: str, prefix: str, depth: int, registered: Mapping[str, ModelSpec]) -> str:
    steps: dict[str, int] = {}  # by block word: depth = step * n + 2
    for kind in BLOCK_TYPES:
        if kind.prefix == prefix:
            steps[kind.block] = step = kind.layers * len(WIDTHS)
            if is_valid_depth(depth, step):
                usual = kind.block == BLOCKS[0]
                what, choice = ("depth", "") if usual else (f"{kind.block} depth", f', block="{kind.block}"')
                choice += f', shortcut="{kind.usual_shortcut}"' if kind.usual_shortcut != ModelSpec.shortcut else ""
                call = f"resnetzoo.{kind.family.builder}({depth}{choice})"
                said = f'"{name}" is not a registered name, but {depth} is a valid {what}: build it with {call}'
                if kind.family.has_shortcuts:
                    said += f", of three stages of {WIDTHS[0]} to {WIDTHS[-1]} channels"
                return f"{said}. {other}" if (other := _four_stages(prefix, depth)) else said
    known = [int(other[len(prefix) :]) for other in registered if re.fullmatch(rf"{prefix}\d+", other)]
    near = [f"{prefix}{valid}" for valid in sorted(known, key=lambda valid: abs(valid - depth))[:2]]
    (_, step), *others = steps.items()
    valid = " or ".join(str(valid) for valid in nearest_depths(depth, step))
    rule = f"{step}n+2" + "".join(f" ({block}: {other}n+2)" for block, other in others)
    said = f'unknown model "{name}": depth {depth} is not {rule}; the nearest valid: {valid}; '
    said += f"did you mean {' or '.join(near)}?" + _which_is_which(near, registered)
    return f"{said} {other}" if (other := _four_stages(prefix, depth)) else said


def _which_is_which(names: Sequence[str], known: Mapping[str, ModelSpec]) -> str:
    """What tells a network of four stages from the one of three stages with the same depth; empty if none has both."""
    for spec in (known[name] for name in names):
        for kind in BLOCK_TYPES:
            step = kind.layers * len(WIDTHS)
            three_stages = (kind.family.name, kind.block) == (spec.family, BLOCKS[0])
            if len(spec.stages) != len(WIDTHS) and three_stages and is_valid_depth(spec.depth, step):
                return (
                    f" {spec.label} has {len(spec.stages)} stages of {spec.widths[0]} to {spec.widths[-1]} channels; "
                    f"the network of {step}n+2 layers in {len(WIDTHS)} stages of {WIDTHS[0]} to {WIDTHS[-1]} is "
                    f"resnetzoo.{kind.family.builder}({spec.depth})"
                )
    return ""


def _four_stages(prefix: str, depth: int) -> str:
    """How to build the published network of four stages with this depth; empty if there is none."""
    for kind in BLOCK_TYPES:
        layers = FOUR_STAGES.get(depth)
        if layers and kind.prefix == prefix and kind.family.has_shortcuts and sum(layers) * kind.layers + 2 == depth:
            block = "" if kind.block == BLOCKS[0] else f'block="{kind.block}", '
            return (
                f'With four stages of 64 to 512 channels it is CifarNet(ModelSpec("{kind.family.name}", {depth}, '
                f'{block}shortcut="projection", widths=(64, 128, 256, 512), layers={layers}))'
            )
    return ""
