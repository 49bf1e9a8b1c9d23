"""Groups of a target's networks that differ only in depth, for figures."""

from typing import NamedTuple

from resnetzoo.models.spec import WIDTHS, Family, Shortcut
from resnetzoo.reproduce.targets import Network, Target


class Series(NamedTuple):
    """What networks of one series share.

    Attributes:
        family: family of their specs.
        shortcut: the shortcut that the target chose for them; None if they use their default.
        widths: channels of their stages.
    """

    family: Family
    shortcut: Shortcut | None
    widths: tuple[int, ...]

    @property
    def title(self) -> str:
        """Its name in legends, such as `residual (projection)`."""
        words = f"{self.family} ({self.shortcut})" if self.shortcut else self.family
        return words if self.widths == WIDTHS else f"{words}, {self.widths[0]} to {self.widths[-1]} channels"


def series_of(network: Network) -> Series:
    """The series of a planned network, from its spec and the choices of the target."""
    spec = network.spec()
    return Series(spec.family, network.shortcut, spec.widths)


def networks_by_label(target: Target) -> dict[str, Network]:
    """The networks of a target by the label of their runs."""
    return {network.spec().label: network for network in (*target.networks, *target.on_request)}
