"""The names of the zoo, one literal row each, so that searching for a name finds it. No torch here."""

import re

from resnetzoo.errors import UnknownModelError, UsageError
from resnetzoo.models.spec import ModelSpec
from resnetzoo.models.unknown_names import unknown_name
from resnetzoo.utils.text import brief, natural_order

# The bottleneck networks have projections where the shape changes, as in their authors' own code
# (arXiv:1603.05027; github.com/KaimingHe/resnet-1k-layers, which has the stride in the first convolution of a
# bottleneck, not in the 3x3 as here and in pytorchcv); the other networks of the two papers are option A.
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
    # Four stages of 64 to 512 channels (arXiv:1512.03385, table 1) after a 3x3 stem, without max-pooling, as
    # github.com/kuangliu/pytorch-cifar has them for small images. resnet(50), of 6n+2 layers, is another network.
    "resnet18": ModelSpec("residual", 18, shortcut="projection", widths=(64, 128, 256, 512), layers=(2, 2, 2, 2)),
    "resnet34": ModelSpec("residual", 34, shortcut="projection", widths=(64, 128, 256, 512), layers=(3, 4, 6, 3)),
    "resnet50": ModelSpec(
        "residual", 50, block="bottleneck", shortcut="projection", widths=(64, 128, 256, 512), layers=(3, 4, 6, 3)
    ),
    "preresnet18": ModelSpec(
        "preactivation", 18, shortcut="projection", widths=(64, 128, 256, 512), layers=(2, 2, 2, 2)
    ),
    # From distillation benchmarks (github.com/HobbitLong/RepDistiller), with projections where the shape changes.
    "resnet8": ModelSpec("residual", 8, shortcut="projection"),
    "resnet14": ModelSpec("residual", 14, shortcut="projection"),
    "resnet8x4": ModelSpec("residual", 8, shortcut="projection", widths=(64, 128, 256), stem_width=32),
    "resnet32x4": ModelSpec("residual", 32, shortcut="projection", widths=(64, 128, 256), stem_width=32),
    # Wide ResNets (arXiv:1605.07146): depth 6n+4, and k times 16, 32 and 64 channels.
    "wrn16_2": ModelSpec(
        "preactivation", 16, shortcut="projection", widths=(32, 64, 128), stem_width=16, layers=(2, 2, 2)
    ),
    "wrn16_4": ModelSpec(
        "preactivation", 16, shortcut="projection", widths=(64, 128, 256), stem_width=16, layers=(2, 2, 2)
    ),
    "wrn28_10": ModelSpec(
        "preactivation", 28, shortcut="projection", widths=(160, 320, 640), stem_width=16, layers=(4, 4, 4)
    ),
    "wrn34_10": ModelSpec(
        "preactivation", 34, shortcut="projection", widths=(160, 320, 640), stem_width=16, layers=(5, 5, 5)
    ),
    "wrn40_2": ModelSpec(
        "preactivation", 40, shortcut="projection", widths=(32, 64, 128), stem_width=16, layers=(6, 6, 6)
    ),
    "wrn40_4": ModelSpec(
        "preactivation", 40, shortcut="projection", widths=(64, 128, 256), stem_width=16, layers=(6, 6, 6)
    ),
    # ResNeXt-29 (arXiv:1611.05431, section 5.3): groups x channels per group in the first stage.
    "resnext29_8x64d": ModelSpec(
        "residual", 29, block="bottleneck", shortcut="projection", widths=(64, 128, 256), groups=8, width_per_group=64
    ),
    "resnext29_16x64d": ModelSpec(
        "residual", 29, block="bottleneck", shortcut="projection", widths=(64, 128, 256), groups=16, width_per_group=64
    ),
    "resnext29_32x4d": ModelSpec(
        "residual", 29, block="bottleneck", shortcut="projection", widths=(64, 128, 256), groups=32, width_per_group=4
    ),
}


def get_spec(name: str) -> ModelSpec:
    """The spec registered under `name`.

    Raises:
        UnknownModelError: no such name; the message lists the nearest ones, or the nearest valid depth.
    """
    if not isinstance(name, str) or name not in _SPECS:
        raise UnknownModelError(unknown_name(name, _SPECS))
    return _SPECS[name]


def register(name: str, spec: ModelSpec) -> None:
    """Add a name to the zoo, for this process.

    Raises:
        UsageError: the name is taken or is not one word, or `spec` is not a `ModelSpec`.
    """
    if not isinstance(spec, ModelSpec):
        raise UsageError(f"register takes a resnetzoo.ModelSpec, not {type(spec).__name__}")
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9][\w-]*", name):
        raise UsageError(
            f"a model's name is one word of letters, digits, '_' and '-', not {brief(name)}; a point separates "
            "the name from its weights, as in resnet20.modern_c10"
        )
    if name in _SPECS:
        raise UsageError(f'"{name}" is already registered, as {_SPECS[name]}; choose another name')
    _SPECS[name] = spec


def registered_names() -> list[str]:
    """Every registered name, in natural order."""
    return sorted(_SPECS, key=natural_order)
