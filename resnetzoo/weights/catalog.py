"""The catalog: the networks and the trained weights of each, by name."""

from fnmatch import fnmatchcase

from resnetzoo.errors import UsageError
from resnetzoo.models.pretrained import Weights
from resnetzoo.models.registry import registered_names
from resnetzoo.utils.lookup import near_or_all
from resnetzoo.utils.text import natural_order
from resnetzoo.utils.validation import check_kind
from resnetzoo.weights.packaged import PACKAGED
from resnetzoo.weights.published import PUBLISHED


def list_models(pattern: str = "*", *, pretrained: bool = False) -> list[str]:
    """Registered names that match a shell-style pattern, in natural order: 20 before 110.

    >>> list_models("plainnet*")
    ['plainnet20', 'plainnet32', 'plainnet44', 'plainnet56', 'plainnet110']

    Args:
        pattern: the pattern of the names.
        pretrained: list only networks that have trained weights; `list_weights` lists these.

    Raises:
        UsageError: the pattern is not a string.
    """
    check_kind("pattern", pattern, str)
    names = set(registered_names())
    if pretrained:
        names = {row.network for row in list_weights()}
    return sorted((name for name in names if fnmatchcase(name, pattern)), key=natural_order)


_ALL: dict[str, Weights] = {row.name: row for row in (*PACKAGED, *PUBLISHED)}


def list_weights(pattern: str = "*") -> list[Weights]:
    """The rows of weights whose names match a shell-style pattern: `resnet20.*`, `*_c100`; this package's come first.

    Raises:
        UsageError: the pattern is not a string.
    """
    check_kind("pattern", pattern, str)
    return [row for name, row in _ALL.items() if fnmatchcase(name, pattern)]


def get_weights(name: str) -> Weights:
    """The row of weights with this name, such as `resnet20.modern_c10`.

    Raises:
        UsageError: there is no such row; the message lists similar names.
    """
    check_kind("name", name, str)
    if name not in _ALL:
        of_network = [row.name for row in list_weights(f"{name.split('.')[0]}.*")]
        available = f"there is {', '.join(of_network)}" if of_network else near_or_all(name, _ALL)
        raise UsageError(f'no weights are called "{name}"; {available}')
    return _ALL[name]


def default_weights(network: str) -> Weights:
    """The first row of weights of a network, which `create(network, weights=True)` uses.

    Raises:
        UsageError: the network has no weights; the message lists the networks that have.
    """
    check_kind("network", network, str)
    for row in _ALL.values():
        if row.network == network:
            return row
    have = ", ".join(sorted({row.network for row in _ALL.values()}, key=natural_order))
    raise UsageError(f"{network} has no weights; networks that have: {have}")
