"""Figures that others published for these networks on CIFAR-10: top-1 test error in percent, by our labels."""

from dataclasses import dataclass

_HE2015 = "arXiv:1512.03385, table 6"
_HE2016 = "arXiv:1603.05027, tables 2 and 3"
_WRN = "arXiv:1605.07146, table 6"
_RESNEXT = "arXiv:1611.05431, table 7"


@dataclass(frozen=True)
class PublishedError:
    """A published error of a network: top-1 test error in percent, with flips and crops, on a single view.

    Attributes:
        network: our label: the name, with the shortcut in brackets if it is not the default one.
        cifar10: error on CIFAR-10.
        protocol: the statistic, and the number of runs behind it.
        source: paper and table, or repository and file.
        cifar100: error on CIFAR-100, if the source reports it.
        variant: how the network differs from ours of that name; usually empty.
        epochs: number of epochs, if stated; 64,000 steps of 128 images are 164 epochs.
        kept: the epoch that is reported: "last", "best" on the test set, or "not said".
    """

    network: str
    cifar10: float
    protocol: str
    source: str
    cifar100: float | None = None
    variant: str = ""
    epochs: int | None = None
    kept: str = "not said"


PUBLISHED = (
    PublishedError("resnet20", 8.75, "not said", _HE2015, epochs=164),
    PublishedError("resnet32", 7.51, "not said", _HE2015, epochs=164),
    PublishedError("resnet44", 7.17, "not said", _HE2015, epochs=164),
    PublishedError("resnet56", 6.97, "not said", _HE2015, epochs=164),
    PublishedError("resnet110", 6.43, "best of 5, 6.61 ± 0.16", _HE2015, epochs=164),
    PublishedError("resnet1202", 7.93, "not said", _HE2015, epochs=164),
    PublishedError("resnet164", 5.93, "median of 5", _HE2016, epochs=164),
    PublishedError("preresnet110", 6.37, "median of 5", _HE2016, epochs=164),
    PublishedError("preresnet164", 5.46, "median of 5", _HE2016, 24.33, epochs=164),
    PublishedError("preresnet1001", 4.92, "median of 5", _HE2016, 22.71, epochs=164),
    PublishedError("wrn16_4", 5.02, "median of 5", _WRN, epochs=200),
    PublishedError("wrn40_4", 4.53, "not said", "arXiv:1605.07146, table 5", epochs=200),
    PublishedError("wrn28_10", 4.00, "median of 5", _WRN, 19.25, epochs=200),
    PublishedError("wrn28_10", 3.89, "median of 5", _WRN, 18.85, variant="dropout 0.3", epochs=200),
    PublishedError("resnext29_8x64d", 3.65, "mean of 10", _RESNEXT, 17.77, epochs=300),
    PublishedError("resnext29_16x64d", 3.58, "mean of 10", _RESNEXT, 17.31, epochs=300),
)
"""Errors that the papers report; for Wide ResNets with channel mean and standard deviation, not with ZCA whitening."""

PAPER_ERRORS = {row.network: row.cifar10 for row in PUBLISHED if not row.variant}
"""The errors on CIFAR-10 in `PUBLISHED`, without those of variants."""

RESNET110_MEAN = 6.61
"""The mean error of the five runs of `resnet110` in arXiv:1512.03385; `PAPER_ERRORS` has the best of them."""


def _each(errors: dict[str, float], protocol: str, source: str, epochs: int | None, kept: str) -> list[PublishedError]:
    """The rows of one table."""
    return [
        PublishedError(network, error, protocol, source, epochs=epochs, kept=kept) for network, error in errors.items()
    ]


AKAMASTER_ERRORS = {
    "resnet20": 8.27,
    "resnet32": 7.37,
    "resnet44": 6.90,
    "resnet56": 6.61,
    "resnet110": 6.32,
    "resnet1202": 6.18,
}
"""Errors of the paper's networks with a recipe close to the paper's: 200 epochs, one checkpoint per depth."""

CHENYAOFO_ERRORS = {
    "resnet20 (projection)": 7.40,
    "resnet32 (projection)": 6.47,
    "resnet44 (projection)": 5.99,
    "resnet56 (projection)": 5.63,
}
"""Errors of networks with projections: 200 epochs, one checkpoint per depth, the epoch with the lowest test error."""

_CHENYAOFO_LAST = {"resnet20 (projection)": 7.44, "resnet56 (projection)": 5.79}
_PYTORCHCV = {
    "resnet20 (projection)": 5.97,
    "resnet56 (projection)": 4.52,
    "resnet110 (projection)": 3.69,
    "resnet1202 (projection)": 3.53,
}
_TORCHDISTILL = {
    "resnet20 (projection)": 8.08,
    "resnet32 (projection)": 6.97,
    "resnet44 (projection)": 6.80,
    "resnet56 (projection)": 6.43,
    "resnet110 (projection)": 6.50,
}
_LONGROOTCHEN = {"resnet20": 8.24, "resnet32": 7.38, "resnet44": 7.07, "resnet56": 7.01, "resnet110": 6.63}
_A_MARTYN = {
    "plainnet20": 9.50,
    "plainnet32": 9.92,
    "plainnet44": 11.35,
    "plainnet56": 12.76,
    "resnet20": 8.00,
    "resnet32": 7.51,
    "resnet44": 7.38,
    "resnet56": 7.33,
}
_FISH145 = {"plainnet20": 9.90, "plainnet32": 13.04, "plainnet44": 15.55, "plainnet56": 14.74}

PEERS = (
    *_each(AKAMASTER_ERRORS, "one", "akamaster/pytorch_resnet_cifar10, README", 200, "not said"),
    PublishedError(
        "resnet56", 7.56, "mean of 6", "akamaster/pytorch_resnet_cifar10, issue 18, by a user", epochs=200, kept="best"
    ),
    *_each(_TORCHDISTILL, "one", "torchdistill, notes of release v0.1.1", None, "not said"),
    *_each(_LONGROOTCHEN, "one", "longrootchen/cifar10-pytorch, README", None, "not said"),
    *_each(_A_MARTYN, "one", "a-martyn/resnet, README", None, "best"),
    *_each(_FISH145, "one", "fish145/ResNet-on-Cifar10, README", None, "not said"),
    *_each(CHENYAOFO_ERRORS, "one", "chenyaofo/pytorch-cifar-models, README", 200, "best"),
    *_each(_CHENYAOFO_LAST, "one", "chenyaofo/pytorch-cifar-models, logs", 200, "last"),
    PublishedError(
        "resnet110 (projection)",
        6.52,
        "median of 3",
        "hysts/pytorch_image_classification, README",
        epochs=160,
        kept="last",
    ),
    *_each(_PYTORCHCV, "one", "pytorchcv, README", None, "not said"),
)
"""The errors that repositories report, each with its own recipe; the runs had 160 to 200 epochs where stated."""


def peer_errors(network: str) -> list[float]:
    """The errors that repositories report for a network on CIFAR-10, lowest first; empty if there are none."""
    return sorted(row.cifar10 for row in PEERS if row.network == network and not row.variant)
