"""What tables and pictures call a data set. No torch here."""


def data_title(name: str, part: str) -> str:
    """`CIFAR-10, first 2,000 training images`."""
    title = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100", "synthetic": "the synthetic set"}.get(name, name)
    return f"{title}, {part}" if part else title
