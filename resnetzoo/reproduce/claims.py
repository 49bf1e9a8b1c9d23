"""Claims about networks as frozen rows, each stating which figure must be below which."""

from dataclasses import dataclass
from typing import Literal

Measure = Literal["test error", "response std"]


@dataclass(frozen=True)
class Lower:
    """One network's mean is below another's.

    Attributes:
        text: the claim in words.
        lower: label of the network that should have less, such as `resnet56 (projection)`.
        higher: label of the other.
        measure: of what: `test error` (last epoch, percent), or `response std` (mean over the layers of figure 7).
    """

    text: str
    lower: str
    higher: str
    measure: Measure = "test error"

    @property
    def networks(self) -> tuple[str, ...]:
        """The labels of those that it is about."""
        return (self.lower, self.higher)


@dataclass(frozen=True)
class _Bound:
    """What is claimed of one network and a figure."""

    text: str
    network: str
    bound: float

    @property
    def networks(self) -> tuple[str, ...]:
        """The labels of those that it is about."""
        return (self.network,)


@dataclass(frozen=True)
class AtMost(_Bound):
    """A network's mean test error is at or below a figure.

    Attributes:
        text: the claim in words.
        network: its label.
        bound: percent, published for the recipe of the full budget: shorter runs say nothing about it.
    """


@dataclass(frozen=True)
class Above(_Bound):
    """A network's mean test error is above a figure; the fields are those of `AtMost`."""


Claim = Lower | AtMost | Above


def measure_of(claim: Claim) -> Measure:
    """What a claim compares."""
    return claim.measure if isinstance(claim, Lower) else "test error"
