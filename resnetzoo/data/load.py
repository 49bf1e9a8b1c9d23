"""A data set by the word that a person types: `auto`, `cifar10`, `cifar100` or `synthetic`."""

import warnings
from dataclasses import replace
from errno import EACCES, EPERM, EROFS
from pathlib import Path
from typing import Literal, get_args

from resnetzoo.data.cifar import DATA_VARIABLE, cifar10, cifar100
from resnetzoo.data.image_set import Data
from resnetzoo.data.synthetic_set import synthetic
from resnetzoo.errors import BrokenDownloadError, DownloadError, OutputError
from resnetzoo.utils.validation import check_choice

Dataset = Literal["auto", "cifar10", "cifar100", "synthetic"]


class SyntheticDataWarning(UserWarning):
    """CIFAR-10 is neither here nor reachable, and the synthetic set stands in for it."""


def load_data(dataset: str = "auto", root: str | Path | None = None) -> Data:
    """The data set with this name, found or downloaded; `auto` is CIFAR-10 or, failing that, the synthetic set.

    Args:
        dataset: `auto`, `cifar10`, `cifar100` or `synthetic`.
        root: a folder to look in first, and to download into.

    Raises:
        UsageError: no such data set.
        DataError: it is there but damaged, came damaged, or (not with `auto`) cannot be had.

    Warns:
        SyntheticDataWarning: with `auto`, when the synthetic set is taken: why, and how to get CIFAR-10. Its `source`
            says so too, and goes with every result.
    """
    check_choice("dataset", dataset, get_args(Dataset))
    if dataset == "synthetic":
        return synthetic()
    if dataset == "cifar100":
        return cifar100(root, download=True)
    if dataset == "cifar10":
        return cifar10(root, download=True)
    try:
        return cifar10(root, download=True)
    except (DownloadError, OutputError) as error:
        if not _is_out_of_reach(error):
            raise
        warnings.warn(
            f"THIS IS NOT CIFAR-10. It is neither on this machine nor reachable ({error}), so the synthetic set stands "
            "in for it, and no figure below is a CIFAR-10 result. To get CIFAR-10, unpack cifar-10-python.tar.gz "
            f"or cifar-10-binary.tar.gz in a folder and name it with --data-dir or ${DATA_VARIABLE}.",
            SyntheticDataWarning,
            stacklevel=2,
        )
        drawn = synthetic()
        return replace(drawn, source=f"{drawn.source}, in place of CIFAR-10: {error}")


def _is_out_of_reach(error: DownloadError | OutputError) -> bool:
    """Whether nothing came, or there is no place for it; what came broken, and a full disk, are to be mended."""
    if isinstance(error, OutputError):
        return isinstance(error.__cause__, OSError) and error.__cause__.errno in (EACCES, EPERM, EROFS)
    return not isinstance(error, BrokenDownloadError)
