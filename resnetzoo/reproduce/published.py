"""Figures that others published for these networks on CIFAR-10: top-1 test error in percent, by our names."""

from dataclasses import dataclass

_HE2015 = "arXiv:1512.03385, table 6"
_HE2016 = "arXiv:1603.05027, tables 2 and 3"
_WRN = "arXiv:1605.07146, table 6"
_RESNEXT = "arXiv:1611.05431, table 7"


@dataclass(frozen=True)
class PublishedError:
    """What a paper reports of a network: top-1 test error in percent, with flips and crops, on a single view.

    Attributes:
        network: our name.
        cifar10: on CIFAR-10.
        protocol: of how many runs it is what.
        source: paper and table.
        cifar100: on CIFAR-100, where it stands there too.
        variant: in what the network differs from ours of that name; empty most often.
    """

    network: str
    cifar10: float
    protocol: str
    source: str
    cifar100: float | None = None
    variant: str = ""


PUBLISHED = (
    PublishedError("resnet20", 8.75, "not said", _HE2015),
    PublishedError("resnet32", 7.51, "not said", _HE2015),
    PublishedError("resnet44", 7.17, "not said", _HE2015),
    PublishedError("resnet56", 6.97, "not said", _HE2015),
    PublishedError("resnet110", 6.43, "best of 5, 6.61 ± 0.16", _HE2015),
    PublishedError("resnet1202", 7.93, "not said", _HE2015),
    PublishedError("resnet164", 5.93, "median of 5", _HE2016),
    PublishedError("preresnet110", 6.37, "median of 5", _HE2016),
    PublishedError("preresnet164", 5.46, "median of 5", _HE2016, 24.33),
    PublishedError("preresnet1001", 4.92, "median of 5", _HE2016, 22.71),
    PublishedError("wrn16_4", 5.02, "median of 5", _WRN),
    PublishedError("wrn40_4", 4.53, "not said", "arXiv:1605.07146, table 5"),
    PublishedError("wrn28_10", 4.00, "median of 5", _WRN, 19.25),
    PublishedError("wrn28_10", 3.89, "median of 5", _WRN, 18.85, variant="dropout 0.3"),
    PublishedError("resnext29_8x64d", 3.65, "mean of 10", _RESNEXT, 17.77),
    PublishedError("resnext29_16x64d", 3.58, "mean of 10", _RESNEXT, 17.31),
)
"""What the papers report. The wide networks' are those with channel mean and deviation, not with ZCA whitening."""

PAPER_ERRORS = {row.network: row.cifar10 for row in PUBLISHED if not row.variant}
"""The errors on CIFAR-10 in `PUBLISHED`, of the networks as they are here."""

BEST_PEER = {"resnet20": 8.27, "resnet32": 7.37, "resnet44": 6.90, "resnet56": 6.61, "resnet110": 6.32}
"""The best published for the paper's recipe: akamaster/pytorch_resnet_cifar10, README, one checkpoint a depth."""

BEST_OF_ANY_RECIPE = {
    "resnet20 (projection)": 7.40,
    "resnet32 (projection)": 6.47,
    "resnet44 (projection)": 5.99,
    "resnet56 (projection)": 5.63,
}
"""chenyaofo/pytorch-cifar-models, README: 200 epochs, the best epoch as the test set tells it; ours is the last."""
