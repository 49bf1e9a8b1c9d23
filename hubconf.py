"""The networks for torch.hub, a function for each name: `torch.hub.load("owner/repository", "resnet20", weights=True)`.

Each takes what `resnetzoo.create` takes: `weights` (True, a tag such as `akamaster_c10`, a file or an https address;
left out, they are fresh), `num_classes`, `in_chans`, and, where there is one, `shortcut` (identity, projection or
projection_all). `pretrained=True`, as other repositories call it, is `weights=True`.
"""

from collections.abc import Callable as _Callable
from typing import Literal as _Literal

import resnetzoo as _resnetzoo

dependencies = ["numpy", "safetensors", "torch"]
_Weights = bool | str | None
_Shortcut = _Literal["identity", "projection", "projection_all"]


def _entry_point(name: str) -> _Callable[..., _resnetzoo.CifarNet]:
    """The function that torch.hub calls for one network, with the network's name, arguments and a line of help."""

    def create(
        weights: _Weights = None,
        num_classes: int | None = None,
        in_chans: int | None = None,
        shortcut: _Shortcut | None = None,
        pretrained: bool = False,
    ) -> _resnetzoo.CifarNet:
        choices = {"num_classes": num_classes, "in_chans": in_chans, "shortcut": shortcut}
        chosen = pretrained if weights is None or weights is False else weights
        return _resnetzoo.create(name, weights=chosen, **choices)

    def create_plain(
        weights: _Weights = None, num_classes: int | None = None, in_chans: int | None = None, pretrained: bool = False
    ) -> _resnetzoo.CifarNet:
        return create(weights, num_classes, in_chans, None, pretrained)

    spec = _resnetzoo.get_spec(name)
    function = create if spec.has_shortcuts else create_plain
    function.__name__ = function.__qualname__ = name
    size = f"{spec.depth} layers in {spec.block} blocks, {_resnetzoo.complexity(spec).params:,} parameters"
    function.__doc__ = f"{spec.family.capitalize()}, {spec.formula}: {size}."
    return function


globals().update({name: _entry_point(name) for name in _resnetzoo.list_models()})
