"""Load a dataset with a training set by its name."""

import warnings
from dataclasses import replace
from errno import EACCES, EPERM, EROFS
from pathlib import Path
from typing import Literal, get_args

from resnetzoo.data.cifar import load_published
from resnetzoo.data.folder import load_folder
from resnetzoo.data.pair import Data
from resnetzoo.data.places import DATA_VARIABLE, named_folder
from resnetzoo.data.synthetic_set import synthetic
from resnetzoo.errors import BrokenDownloadError, DownloadError, OutputError, UsageError
from resnetzoo.utils.validation import check_choice

# The names of datasets without a training set, and the calls that read them.
TEST_SETS = {
    "cifar10-c": "cifar10_c()",
    "cifar100-c": "cifar100_c()",
    "cifar10.1": "cifar10_1()",
    "cifar10.1-v4": 'cifar10_1(version="v4")',
    "cifar10.1-v6": "cifar10_1()",
}
Dataset = Literal["auto", "cifar10", "cifar100", "cifar100-coarse", "synthetic", "folder"]


class SyntheticDataWarning(UserWarning):
    """CIFAR-10 was neither found nor downloaded, and the synthetic dataset is used instead."""


def load_data(dataset: str = "auto", root: str | Path | None = None, *, size: int | None = None) -> Data:
    """The dataset with this name, found or downloaded; `auto` is CIFAR-10 or, failing that, the synthetic dataset.

    If a folder is named, by `root` or by `$RESNETZOO_DATA`, the synthetic dataset is never used as a replacement.

    Args:
        dataset: `auto`, `cifar10`, `cifar100`, `cifar100-coarse` (with its 20 coarse labels), `synthetic`, or `folder`:
            images of any size in one subfolder per class (`root/cat/1.jpg`). The subfolders may be in `root/train` and
            `root/test` (or `val`); otherwise a fifth of each class is held out for testing.
        root: the folder to look in and to download into; it must exist.
        size: for `folder`: the number of pixels to which the shorter side of each image is resized before the centre is
            cropped; 32 by default.

    Raises:
        UsageError: there is no such dataset, or it has only test images, such as `cifar10-c`; `root` is given for the
            synthetic dataset, which is drawn; or `size` is given for anything but `folder`.
        DataError: the dataset or its download is damaged, or it cannot be obtained (and either `dataset` is not `auto`,
            or a folder is named); its subclass `DataNotFoundError` if the named folder does not exist, contains
            another dataset, or has this one in a subfolder.

    Warns:
        SyntheticDataWarning: with `auto`, if the synthetic dataset is used. The message says why, and how to get
            CIFAR-10. The `source` of the dataset gives the reason too, and is stored with every result.
    """
    if isinstance(dataset, str) and dataset in TEST_SETS:
        raise UsageError(
            f"{dataset} only has test images, and nothing to train on: resnetzoo.{TEST_SETS[dataset]} reads it, and "
            f'"resnetzoo eval MODEL --dataset {dataset}" measures on it'
        )
    check_choice("dataset", dataset, get_args(Dataset))
    if dataset == "folder":
        return load_folder(named_folder(root), size)
    if size is not None:
        raise UsageError(
            f"all images of {dataset} have the same size: leave size out, which is only for the dataset folder"
        )
    if dataset == "synthetic":
        if root is not None:
            raise UsageError(
                f"the synthetic dataset is drawn by a program, not read from {root}: leave out the folder or --dataset"
            )
        return synthetic()
    if dataset != "auto":
        return load_published(dataset, root)
    try:
        return load_published("cifar10", root)
    except (DownloadError, OutputError) as error:
        if named_folder(root) is not None or not _is_out_of_reach(error):
            raise
        warnings.warn(
            f"THIS IS NOT CIFAR-10. It was neither found on this machine nor downloaded ({error}), so the synthetic "
            "set is used instead, and no figure below is a CIFAR-10 result. To use CIFAR-10, put "
            "cifar-10-python.tar.gz or cifar-10-binary.tar.gz into a folder and pass it with --data-dir or "
            f"${DATA_VARIABLE}.",
            SyntheticDataWarning,
            stacklevel=2,
        )
        drawn = synthetic()
        return replace(drawn, source=f"{drawn.source}, in place of CIFAR-10: {error}")


def _is_out_of_reach(error: DownloadError | OutputError) -> bool:
    """Whether nothing was received or nothing may be written; a broken download or a full disk is left to the user."""
    if isinstance(error, OutputError):
        return isinstance(error.__cause__, OSError) and error.__cause__.errno in (EACCES, EPERM, EROFS)
    return not isinstance(error, BrokenDownloadError)
