"""Figures that others published for these networks on CIFAR-10: top-1 test error in percent, by our names."""

PAPER_ERRORS = {
    "resnet20": 8.75,
    "resnet32": 7.51,
    "resnet44": 7.17,
    "resnet56": 6.97,
    "resnet110": 6.43,
    "resnet1202": 7.93,
    "resnet164": 5.93,
    "preresnet110": 6.37,
    "preresnet164": 5.46,
    "preresnet1001": 4.92,
}
"""What the papers report.

arXiv:1512.03385, table 6 (110 layers: the best of 5 runs, 6.61 +- 0.16); 164 layers and pre-activation:
arXiv:1603.05027, tables 2 and 3 (medians of 5 runs)."""

SOURCE_EPOCH = 20
SOURCE_ERRORS = {"plainnet20": 18.87, "resnet20": 14.31}
"""The source document's sequential and residual network after 20 epochs: 81.13 % and 85.69 % right. Their depth and
recipe are not known; they stand beside the 20-layer networks because the comparison is the same."""

BEST_PEER = {"resnet20": 8.27, "resnet32": 7.37, "resnet44": 6.90, "resnet56": 6.61, "resnet110": 6.32}
"""The best published for the paper's recipe: akamaster/pytorch_resnet_cifar10, README, one checkpoint a depth."""

BEST_OF_ANY_RECIPE = {
    "resnet20 (projection)": 7.40,
    "resnet32 (projection)": 6.47,
    "resnet44 (projection)": 5.99,
    "resnet56 (projection)": 5.63,
}
"""chenyaofo/pytorch-cifar-models, README: 200 epochs, the best epoch as the test set tells it; ours is the last."""
