"""Names of datasets in tables and pictures. This module does not import torch."""

from resnetzoo.utils.text import printable


def data_title(name: str, part: str) -> str:
    """The name of a dataset and its part, such as `CIFAR-10, first 2,000 training images`."""
    titles = {
        "cifar10": "CIFAR-10",
        "cifar100": "CIFAR-100",
        "cifar100-coarse": "CIFAR-100 (coarse labels)",
        "synthetic": "the synthetic dataset",
    }
    title = titles.get(name, printable(name))
    return f"{title}, {part}" if part else title
