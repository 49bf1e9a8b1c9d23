"""The figures in the document from which this project grew: two networks on CIFAR-10, epoch by epoch."""

SOURCE_ACCURACIES = {
    "plainnet20": (
        *(52.39, 64.25, 69.11, 73.53, 75.45, 75.95, 77.90, 76.77, 78.19, 78.66),
        *(79.20, 80.17, 80.69, 79.62, 80.90, 81.23, 80.29, 81.46, 80.05, 81.13),
    ),
    "resnet20": (
        *(61.35, 64.06, 71.74, 74.48, 76.08, 76.50, 80.26, 80.98, 80.86, 80.58),
        *(82.39, 83.08, 84.67, 83.98, 83.68, 85.64, 85.29, 84.86, 83.72, 85.69),
    ),
}
"""Top-1 test accuracies in percent from the source document, the report that this project grew from.

It trained a sequential and a residual network for 20 epochs on CIFAR-10, one run of each. Their depth and recipe are
not known; they are listed under our networks of 20 layers because the comparison is the same."""

SOURCE_EPOCHS = 20

SOURCE_ERRORS = {name: round(100 - accuracies[-1], 2) for name, accuracies in SOURCE_ACCURACIES.items()}
"""Test error in percent after the last epoch."""
