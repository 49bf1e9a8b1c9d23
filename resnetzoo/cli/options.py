"""The options that several commands share: the same words everywhere."""

import sys
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Literal

import typer
from typer.models import ArgumentInfo, OptionInfo

import resnetzoo


def path_option(text: str, default: str | bool) -> OptionInfo:
    """An option that is a path, read like every other path; `default` describes the value if it is left out."""
    found: OptionInfo = typer.Option(parser=_path, help=text, show_default=default)
    return found


def path_argument(text: str) -> ArgumentInfo:
    """An argument that is a path."""
    found: ArgumentInfo = typer.Argument(parser=_path, help=text)
    return found


def _path(word: str) -> Path:
    try:
        return resnetzoo.user_path(word)
    except resnetzoo.UsageError as error:  # a ValueError, whose message typer would drop
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from error


def _train_images(default: str) -> OptionInfo:
    words = ("--max-train-images", "--train-images")
    found: OptionInfo = typer.Option(*words, help="Use only the first N.", show_default=default, min=1)
    return found


DataDir = Annotated[
    Path | None, path_option("Folder of the data; by default $RESNETZOO_DATA or the cache.", default=False)
]
_DATASETS = ("auto", "cifar10", "cifar100", "cifar100-coarse", "synthetic", "folder")
NAMED_DATASETS = _DATASETS[1:-1]
"""Those whose classes have names that `resnetzoo.classes_of` knows."""
_LISTED = f"auto (CIFAR-10 if available), {', '.join(NAMED_DATASETS)}"
TEST_SET_WORDS = "cifar10-c, cifar100-c, cifar10.1, cifar10.1-v4 or cifar10.1-v6"
_IMAGE_SIZE = "For --dataset folder: pixels of the shorter side."
DatasetName = Annotated[str, typer.Option(help=f"{_LISTED} or folder.")]
DatasetOrTestSet = Annotated[str, typer.Option(help=f"{_LISTED}, folder, {TEST_SET_WORDS}.")]
ImageSize = Annotated[int | None, typer.Option(help=_IMAGE_SIZE, show_default="32", min=1)]
RecordedImageSize = Annotated[int | None, typer.Option(help=_IMAGE_SIZE, show_default="the run's", min=1)]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
ShortcutWord = Annotated[
    str | None,
    typer.Option(help="identity (A), projection (B) or projection_all (C).", show_default="the network's own"),
]
FamilyWord = Annotated[
    str | None,
    typer.Option(
        help="plain, residual or preactivation, for weights that fit several.",
        show_default="what the file says, else residual",
    ),
]
ModelWord = Annotated[str, typer.Argument(help="A name, a row of weights, a checkpoint or the folder of a run.")]
KeyWord = Annotated[
    str | None,
    typer.Option(
        "--key",
        help="Which network of a checkpoint with several: state_dict_ema, ema_model, teacher.",
        show_default="the trained one",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
# The second word of an option is its former name, which scripts may still use.
ValSplit = Annotated[
    bool,
    typer.Option(
        "--val-split", "--validation", help="Hold out a tenth of the training set and measure on it (45k/5k)."
    ),
]
MaxTrainImages = Annotated[int | None, _train_images("all")]
RecordedTrainImages = Annotated[int | None, _train_images("the run's")]
Precision = Annotated[Literal["auto", "fp32", "bf16"], typer.Option(help="Precision of the computation.")]
Record = Annotated[
    bool | None,
    typer.Option("--record/--no-record", help="Record the training step on CUDA or not.", show_default="if possible"),
]


def check_dataset_or_test_set(dataset: str, test_sets: Collection[str]) -> None:
    """Refuse any other word here, since `load_data` would list only datasets with a training set.

    Raises:
        UsageError: `dataset` is another word; the message lists both kinds.
    """
    if dataset not in _DATASETS and dataset not in test_sets:
        raise resnetzoo.UsageError(
            f'--dataset must be one of {", ".join(_DATASETS)}, {TEST_SET_WORDS}, not "{dataset}"'
        )


def chosen_data(
    dataset: str, data_dir: Path | None, max_train_images: int | None, val_split: bool, image_size: int | None = None
) -> "resnetzoo.Data":
    """The data that these options select.

    Raises:
        UsageError: an option does not apply to this dataset, or needs more images.
    """
    check_image_size(dataset, image_size)
    found = resnetzoo.load_data(dataset, data_dir, size=image_size)
    found = found if max_train_images is None else found.first(max_train_images)
    held_out = len(found.train) // 10
    if val_split and not held_out:
        raise resnetzoo.UsageError(f"--val-split holds out a tenth of the training set, which has {len(found.train)}")
    return found.validation_split(held_out) if val_split else found


def check_image_size(dataset: str, image_size: int | None) -> None:
    """Refuse `--image-size` for a dataset whose images have a size of their own.

    Raises:
        UsageError: it was given; the message says which dataset accepts it.
    """
    if image_size is not None and dataset != "folder":
        raise resnetzoo.UsageError(f"--image-size is only for --dataset folder: all images of {dataset} have one size")


def print_data(found: "resnetzoo.Data") -> None:
    tested = f"{len(found.test):,} test image{'' if len(found.test) == 1 else 's'}"
    print(f"data         {found.title}: {len(found.train):,} training and {tested}")
    print(f"source       {found.source}{'' if found.official else ' (not an official dataset)'}")
    print(f"fingerprint  {found.fingerprint}")
    print(f"version 1    {found.fingerprint_v1}")
