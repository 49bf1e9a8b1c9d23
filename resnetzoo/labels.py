"""The names of the classes that a network tells apart."""

from torch import nn

from resnetzoo.data import layouts
from resnetzoo.data.synthetic import CLASSES as SYNTHETIC
from resnetzoo.errors import UsageError
from resnetzoo.network import CifarNet

_DATA_SETS: dict[str, tuple[str, ...]] = {
    "cifar10": layouts.CIFAR10.classes,
    "cifar100": layouts.CIFAR100.classes,
    "synthetic": SYNTHETIC,
}


def classes_of(dataset: str) -> tuple[str, ...]:
    """The classes of a data set, in the order of its labels.

    >>> classes_of("cifar10")[:3]
    ('airplane', 'automobile', 'bird')

    Raises:
        UsageError: no such data set.
    """
    if dataset not in _DATA_SETS:
        raise UsageError(f'dataset must be one of {", ".join(_DATA_SETS)}, not "{dataset}"')
    return _DATA_SETS[dataset]


def known_classes(model: nn.Module) -> tuple[str, ...] | None:
    """The classes of `model` in the order of its logits, where its weights or its file say them.

    They do where it has a row of `list_weights`, or comes from a run of `fit` on one of the package's data sets.
    """
    if not isinstance(model, CifarNet):
        return None
    classes: tuple[str, ...] = ()
    if model.weights is not None:
        classes = model.weights.classes
    elif model.origin is not None:
        classes = _DATA_SETS.get(str(model.origin.training.get("trained_on")), ())
    return classes if classes and len(classes) == model.num_classes else None


def numbered_classes(num_classes: int) -> tuple[str, ...]:
    """What classes without names are called: `class 0`, `class 1`, ..."""
    return tuple(f"class {label}" for label in range(num_classes))
