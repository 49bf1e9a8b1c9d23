"""Data sets that have images to measure on alone: CIFAR-10-C, CIFAR-100-C and CIFAR-10.1."""

from pathlib import Path

import resnetzoo

CORRUPTED = ("cifar10-c", "cifar100-c")
NEW = {"cifar10.1": "v6", "cifar10.1-v6": "v6", "cifar10.1-v4": "v4"}  # the version of each word
TEST_SETS = (*CORRUPTED, *NEW)


def print_test_set(dataset: str, data_dir: Path | None, download: bool) -> None:
    """What `resnetzoo data` says of one of them."""
    if dataset in NEW:
        images = resnetzoo.cifar10_1(data_dir, version=NEW[dataset], download=download)
        print(f"data         CIFAR-10.1 {NEW[dataset]}: {len(images):,} images to measure on")
        return
    found = find_corrupted(dataset, data_dir, download=download)
    print(
        f"data         {found.title}: {found.n:,} test images of {found.clean} "
        f"under {len(found.corruptions)} corruptions at 5 severities"
    )
    print(f"source       {found.source}{'' if found.official else ' (not an official data set)'}")
    for group, names in found.groups.items():
        print(f"{group:<12} {', '.join(names)}")


def find_corrupted(dataset: str, data_dir: Path | None, *, download: bool = False) -> "resnetzoo.CorruptedImages":
    """The reader that the word means."""
    read = resnetzoo.cifar10_c if dataset == "cifar10-c" else resnetzoo.cifar100_c
    return read(data_dir, download=download)
