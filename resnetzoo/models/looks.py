"""The looks of networks in figures, by their labels. No torch here."""

import re
from collections.abc import Iterable
from itertools import cycle

from resnetzoo.errors import UnknownModelError
from resnetzoo.models.registry import get_spec
from resnetzoo.utils.colours import OTHER_COLOURS
from resnetzoo.utils.figures import MARKERS, Look, look_of_network
from resnetzoo.utils.validation import check_kind


def looks_of(labels: Iterable[str]) -> dict[str, Look]:
    """How the lines of these networks are drawn in one figure, by label, such as `resnet20 (projection)`.

    Colour is the family and line style the depth. Networks that share both differ in their markers. A label that
    is not a name of the zoo gets a colour that no family has.

    Raises:
        UsageError: a label is not a string.
    """
    others = cycle(OTHER_COLOURS)
    found: dict[str, Look] = {}
    for label in labels:
        check_kind("label", label, str)
        look = _look_of(label) or Look(next(others))
        alike = sum(other[:2] == look[:2] for other in found.values())
        found[label] = look._replace(marker=MARKERS[alike % len(MARKERS)])
    return found


def _look_of(label: str) -> Look | None:
    try:
        spec = get_spec(re.split(r" \(|, ", label)[0])  # without what is in brackets, or the recipe after it
    except UnknownModelError:
        return None
    return look_of_network(spec.family, spec.depth)
