"""The error for anything but `Data` or an `ImageSet`: it says how to convert what was passed."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor
from torch.utils.data import DataLoader

from resnetzoo.errors import UsageError
from resnetzoo.utils.text import kind_of


def check_images(found: object, name: str = "images") -> None:
    """Refuse anything but an `ImageSet`.

    Raises:
        UsageError: names what was found and the call that converts it.
    """
    from resnetzoo.data.image_set import ImageSet

    if not isinstance(found, ImageSet):
        raise UsageError(f"{name} must be a resnetzoo.ImageSet, not {kind_of(found)}: {_how_to_images(found)}")


def check_data(found: object) -> None:
    """Refuse anything but `Data`.

    Raises:
        UsageError: names what was found and the call that converts it.
    """
    from resnetzoo.data.pair import Data

    if not isinstance(found, Data):
        raise UsageError(
            f"data must be a resnetzoo.Data, a training and a test set, not {kind_of(found)}: {_how(found)}"
        )


def _how(found: object) -> str:
    from resnetzoo.data.image_set import ImageSet

    if isinstance(found, str | Path):
        return f'resnetzoo.load_data("folder", {str(found)!r}) reads a folder with one subfolder per class'
    if isinstance(found, ImageSet):
        return 'resnetzoo.Data("mine", train, test, official=False, source="...") combines two of them'
    if isinstance(found, DataLoader):
        return (
            "resnetzoo.Data.from_dataset(train_loader.dataset, test_loader.dataset) takes the datasets behind the "
            "loaders; fit shuffles and augments batches itself"
        )
    if isinstance(found, Mapping):  # of the splits of a dataset on the Hugging Face Hub
        return 'resnetzoo.Data.from_dataset(found["train"], found["test"])'
    if isinstance(found, Tensor):
        return (
            "resnetzoo.ImageSet(images, labels, classes) makes a set from tensors, and resnetzoo.Data combines two sets"
        )
    return "resnetzoo.Data.from_dataset(train, test) takes datasets of (image, label) pairs, and lists of such pairs"


def _how_to_images(found: object) -> str:
    from resnetzoo.data.pair import Data

    if isinstance(found, str | Path):
        return f'resnetzoo.load_data("folder", {str(found)!r}).test reads a folder with one subfolder per class'
    if isinstance(found, Data):
        return "pass one of its two sets, data.test or data.train"
    if isinstance(found, DataLoader):
        return "resnetzoo.ImageSet.from_dataset(loader.dataset) takes the dataset behind a loader"
    if isinstance(found, Mapping):
        return 'resnetzoo.ImageSet.from_dataset(found["test"])'
    if isinstance(found, Tensor):
        return "resnetzoo.ImageSet(images, labels, classes), with images as uint8 (N, C, H, W)"
    return "resnetzoo.ImageSet.from_dataset(dataset) takes a dataset of (image, label) pairs, or a list of such pairs"
