"""Names of classes: those of the package's datasets, and numbered ones for classes without names."""

from resnetzoo.data import cifar_files
from resnetzoo.data.synthetic_set import CLASSES as SYNTHETIC
from resnetzoo.utils.validation import check_choice

_DATA_SETS: dict[str, tuple[str, ...]] = {
    "cifar10": cifar_files.CIFAR10.classes,
    "cifar100": cifar_files.CIFAR100.classes,
    "cifar100-coarse": cifar_files.CIFAR100_COARSE.classes,
    "synthetic": SYNTHETIC,
}


def classes_of(dataset: str) -> tuple[str, ...]:
    """The classes of a dataset, in the order of its labels.

    >>> classes_of("cifar10")[:3]
    ('airplane', 'automobile', 'bird')

    Raises:
        UsageError: no such dataset.
    """
    check_choice("dataset", dataset, _DATA_SETS)
    return _DATA_SETS[dataset]


def numbered_classes(num_classes: int) -> tuple[str, ...]:
    """Names for classes without names: `class 0`, `class 1`, ..."""
    return tuple(f"class {label}" for label in range(num_classes))
