"""Claims about networks as frozen rows, each of which compares one figure with another."""

from dataclasses import dataclass
from typing import Literal

Measure = Literal["test error", "response std"]


@dataclass(frozen=True)
class Lower:
    """One network's mean is below another's.

    Attributes:
        text: the claim in words.
        lower: label of the network that should have the lower mean, such as `resnet56 (projection)`.
        higher: label of the other network.
        measure: what is compared: `test error` (last epoch, percent), or `response std` (mean over the layers of figure
            7).
    """

    text: str
    lower: str
    higher: str
    measure: Measure = "test error"

    @property
    def networks(self) -> tuple[str, ...]:
        """The labels of the networks that the claim is about."""
        return (self.lower, self.higher)


@dataclass(frozen=True)
class _Bound:
    """A claim that compares one network with a published figure."""

    text: str
    network: str
    bound: float

    @property
    def networks(self) -> tuple[str, ...]:
        """The labels of the networks that the claim is about."""
        return (self.network,)


@dataclass(frozen=True)
class AtMost(_Bound):
    """A network's mean test error is at or below a figure.

    Attributes:
        text: the claim in words.
        network: label of the network.
        bound: the figure in percent, published for the recipe of the full budget; shorter runs do not decide the claim.
    """


@dataclass(frozen=True)
class Above(_Bound):
    """A network's mean test error is above a figure; the fields are those of `AtMost`."""


Claim = Lower | AtMost | Above


def measure_of(claim: Claim) -> Measure:
    """The measure that a claim compares."""
    return claim.measure if isinstance(claim, Lower) else "test error"
