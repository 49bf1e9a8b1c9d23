"""The error for anything but `Data`, an `ImageSet` or a dataset of rows: it says how to convert what was passed."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor
from torch.utils.data import DataLoader

from resnetzoo.errors import UsageError
from resnetzoo.utils.text import kind_of, some

# For the splits of a dataset on the Hugging Face Hub.
_DATA_OF_SPLITS = 'resnetzoo.Data.from_dataset(found["train"], found["test"])'
_IMAGES_OF_SPLITS = 'resnetzoo.ImageSet.from_dataset(found["test"])'
_IMAGES_OF_TENSORS = "resnetzoo.ImageSet(images, labels, classes), with images as uint8 (N, C, H, W)"


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


def check_rows(found: object) -> None:
    """Refuse anything without numbered rows, such as a mapping of splits, each of which is a dataset of its own.

    Raises:
        UsageError: names what was found and what to pass instead.
    """
    # These have a length and items but no rows, except for a mapping whose keys are row numbers.
    other = isinstance(found, str | Tensor) or (isinstance(found, Mapping) and 0 not in found)
    if other or not (hasattr(found, "__len__") and hasattr(found, "__getitem__")):
        raise UsageError(
            "a dataset must have a length and numbered rows of image and label, but this is "
            f"{kind_of(found)}: {_how_to_rows(found)}"
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
    if isinstance(found, Mapping):
        return _DATA_OF_SPLITS
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
        return _IMAGES_OF_SPLITS
    if isinstance(found, Tensor):
        return _IMAGES_OF_TENSORS
    return "resnetzoo.ImageSet.from_dataset(dataset) takes a dataset of (image, label) pairs, or a list of such pairs"


def _how_to_rows(found: object) -> str:
    from resnetzoo.data.image_set import ImageSet
    from resnetzoo.data.pair import Data

    if isinstance(found, Mapping):
        keys = some([str(key) for key in found]) or "none"
        return f"pass one of its values (its keys: {keys}), as in {_IMAGES_OF_SPLITS} or {_DATA_OF_SPLITS}"
    if isinstance(found, str | Path):
        return f"resnetzoo.ImageSet.from_folder({str(found)!r}) reads a folder with one subfolder per class"
    if isinstance(found, ImageSet | Data):
        return "it has been converted already, so pass it as it is"
    if isinstance(found, Tensor):
        return _IMAGES_OF_TENSORS
    return "convert an iterable with list(...), and pass loader.dataset instead of a data loader"
