"""The zoo's names: one literal row each, so that a search for a name finds it. No torch here."""

import re

from resnetzoo.errors import UnknownModelError, UsageError
from resnetzoo.models.blocks.types import BLOCK_TYPES, BLOCKS
from resnetzoo.models.spec import WIDTHS, ModelSpec, is_valid_depth, nearest_depths
from resnetzoo.utils.lookup import near_or_all
from resnetzoo.utils.text import natural_order

# Bottleneck rows project where the shape changes, as their authors' own code does
# (arXiv:1603.05027; github.com/KaimingHe/resnet-1k-layers); all others are the paper's option A.
_SPECS: dict[str, ModelSpec] = {
    "plainnet20": ModelSpec("plain", 20),
    "plainnet32": ModelSpec("plain", 32),
    "plainnet44": ModelSpec("plain", 44),
    "plainnet56": ModelSpec("plain", 56),
    "plainnet110": ModelSpec("plain", 110),
    "resnet20": ModelSpec("residual", 20),
    "resnet32": ModelSpec("residual", 32),
    "resnet44": ModelSpec("residual", 44),
    "resnet56": ModelSpec("residual", 56),
    "resnet110": ModelSpec("residual", 110),
    "resnet164": ModelSpec("residual", 164, block="bottleneck", shortcut="projection"),
    "resnet1202": ModelSpec("residual", 1202),
    "preresnet20": ModelSpec("preactivation", 20),
    "preresnet32": ModelSpec("preactivation", 32),
    "preresnet44": ModelSpec("preactivation", 44),
    "preresnet56": ModelSpec("preactivation", 56),
    "preresnet110": ModelSpec("preactivation", 110),
    "preresnet164": ModelSpec("preactivation", 164, block="bottleneck", shortcut="projection"),
    "preresnet1001": ModelSpec("preactivation", 1001, block="bottleneck", shortcut="projection"),
}

_NAME = re.compile(rf"({'|'.join({kind.prefix: None for kind in BLOCK_TYPES})})(\d{{1,6}})")

_BENCHMARK = re.compile(r"resnet(\d{1,6})x4")  # as distillation benchmarks call them


def get_spec(name: str) -> ModelSpec:
    """The spec registered under `name`.

    Raises:
        UnknownModelError: no such name; the message lists the nearest ones, or the nearest valid depth.
    """
    if not isinstance(name, str) or name not in _SPECS:
        raise UnknownModelError(_unknown(name))
    return _SPECS[name]


def register(name: str, spec: ModelSpec) -> None:
    """Add a name to the zoo, for this process.

    Raises:
        UsageError: the name is taken, is not one word, or `spec` is no `ModelSpec`.
    """
    if not isinstance(spec, ModelSpec):
        raise UsageError(f"register takes a resnetzoo.ModelSpec, not {type(spec).__name__}")
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9][\w.-]*", name):
        raise UsageError(f"a model's name is one word of letters, digits, '_', '-' and '.', not {name!r}")
    if name in _SPECS:
        raise UsageError(f'"{name}" is registered already, as {_SPECS[name]}; choose another name')
    _SPECS[name] = spec


def _unknown(name: object) -> str:
    if not isinstance(name, str):
        return f'a model is named by a string such as "resnet56", not {name!r}'
    wanted = name.lower().replace("-", "").replace("_", "")
    parts = _NAME.fullmatch(wanted)
    if parts and wanted not in _SPECS:
        return _unknown_depth(name, parts[1], int(parts[2]))
    wide = _BENCHMARK.fullmatch(wanted)
    if wide and is_valid_depth(int(wide[1]), 2 * len(WIDTHS)):
        return (
            f'"{name}" is no registered name; build it with resnetzoo.CifarNet(resnetzoo.ModelSpec("residual", '
            f'{wide[1]}, shortcut="projection", widths=(64, 128, 256), stem_width=32))'
        )
    return f'unknown model "{name}"; {near_or_all(wanted, registered_names())}'


def _unknown_depth(name: str, prefix: str, depth: int) -> str:
    steps: dict[str, int] = {}  # by block word: depth = step * n + 2
    for kind in BLOCK_TYPES:
        if kind.prefix == prefix:
            steps[kind.block] = step = kind.layers * len(WIDTHS)
            if is_valid_depth(depth, step):
                usual = kind.block == BLOCKS[0]
                what, choice = ("depth", "") if usual else (f"{kind.block} depth", f', block="{kind.block}"')
                call = f"resnetzoo.{kind.family.builder}({depth}{choice})"
                return f'"{name}" is no registered name, but {depth} is a valid {what}: build it with {call}'
    known = [int(other[len(prefix) :]) for other in _SPECS if re.fullmatch(rf"{prefix}\d+", other)]
    near = " or ".join(f"{prefix}{valid}" for valid in sorted(known, key=lambda valid: abs(valid - depth))[:2])
    (_, step), *others = steps.items()
    valid = " or ".join(str(valid) for valid in nearest_depths(depth, step))
    rule = f"{step}n+2" + "".join(f" ({block}: {other}n+2)" for block, other in others)
    return f'unknown model "{name}": depth {depth} is not {rule}; the nearest valid: {valid}; did you mean {near}?'


def registered_names() -> list[str]:
    """Every registered name, in natural order."""
    return sorted(_SPECS, key=natural_order)
