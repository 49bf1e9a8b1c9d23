"""Network names that follow a pattern with numbers, such as `wrn22_2`, and the specs they mean. No torch here."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from resnetzoo.models.depths import is_valid_depth
from resnetzoo.models.spec import WIDTHS, ModelSpec


class Series(NamedTuple):
    """Networks whose names have the same form.

    Attributes:
        pattern: pattern of the names as people write them, with the depth first.
        name: format of the registered names, with the same numbers.
        rule: step and rest of the valid depths, which are step * n + rest.
        arguments: function that returns the spec's arguments for a depth, the blocks per stage and the other numbers.
    """

    pattern: re.Pattern[str]
    name: str
    rule: tuple[int, int]
    arguments: Callable[[int, int, int, int], dict[str, Any]]


class SeriesName(NamedTuple):
    """A name of a series.

    Attributes:
        series: the series that it belongs to.
        depth: number of layers.
        a: the second number.
        b: the third number; 0 if the name has none.
        rest: what follows the name in the text.
    """

    series: Series
    depth: int
    a: int
    b: int
    rest: str

    @property
    def registered(self) -> str:
        """The name in the form in which such names are registered."""
        return self.series.name.format(depth=self.depth, a=self.a, b=self.b)

    @property
    def is_valid(self) -> bool:
        """Whether there is a network of this depth."""
        return is_valid_depth(self.depth, *self.series.rule)

    @property
    def spec(self) -> ModelSpec:
        """The network.

        Raises:
            UsageError: there is no network of this depth.
        """
        return ModelSpec(**self._arguments)

    @property
    def arguments_in_words(self) -> str:
        """The arguments of the spec, as they are typed in Python."""
        words = {key: f'"{value}"' if isinstance(value, str) else repr(value) for key, value in self._arguments.items()}
        return ", ".join(word if key in ("family", "depth") else f"{key}={word}" for key, word in words.items())

    def of_depth(self, depth: int) -> "SeriesName":
        """The name of the network with another depth."""
        return self._replace(depth=depth)

    @property
    def _arguments(self) -> dict[str, Any]:
        step, rest = self.series.rule
        return self.series.arguments(self.depth, (self.depth - rest) // step, self.a, self.b)


def find_series(text: str) -> SeriesName | None:
    """The name of a series at the beginning of a lower-case text; None if it does not begin with one."""
    for series in _SERIES:
        if found := series.pattern.match(text):
            depth, a, b = (*map(int, found.groups()), 0)[:3]
            return SeriesName(series, depth, a, b, text[found.end() :])
    return None


def scaled_widths(factor: int) -> tuple[int, ...]:
    """The widths of the three stages of a network that is `factor` times as wide as those of arXiv:1512.03385."""
    return tuple(width * factor for width in WIDTHS)


def _wide(depth: int, blocks: int, factor: int, _: int) -> dict[str, Any]:
    shape = {"widths": scaled_widths(factor), "stem_width": WIDTHS[0], "layers": (blocks,) * len(WIDTHS)}
    return {"family": "preactivation", "depth": depth, "shortcut": "projection", **shape}


def _grouped(depth: int, _: int, groups: int, width: int) -> dict[str, Any]:
    shape = {"widths": scaled_widths(4), "groups": groups, "width_per_group": width}
    return {"family": "residual", "depth": depth, "block": "bottleneck", "shortcut": "projection", **shape}


def _distilled(depth: int, _: int, factor: int, __: int) -> dict[str, Any]:
    shape = {"widths": scaled_widths(factor), "stem_width": 8 * factor}
    return {"family": "residual", "depth": depth, "shortcut": "projection", **shape}


_SERIES = (
    Series(
        re.compile(r"(?:wrn|wide[-_ ]?resnet)[-_ ]?(\d{1,4})[-_x]([1-9]\d{0,2})(?!\d)"), "wrn{depth}_{a}", (6, 4), _wide
    ),
    Series(
        re.compile(r"resnext[-_ ]?(\d{1,4})[-_]([1-9]\d{0,2})x([1-9]\d{0,2})(?!\d)d?"),
        "resnext{depth}_{a}x{b}d",
        (9, 2),
        _grouped,
    ),
    Series(re.compile(r"resnet[-_ ]?(\d{1,4})x([1-9]\d{0,2})(?!\d)"), "resnet{depth}x{a}", (6, 2), _distilled),
)
