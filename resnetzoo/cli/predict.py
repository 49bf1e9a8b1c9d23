"""`predict`: what image files show, as a table, as JSON, or as a picture."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

import resnetzoo
from resnetzoo.cli.options import NAMED_DATASETS, AsJson, Device, FamilyWord, KeyWord, path_option
from resnetzoo.cli.tables import print_json, print_table


def predict_command(
    images: Annotated[list[str], typer.Argument(help="Files, folders, or patterns in quotes.", metavar="IMAGE...")],
    model: Annotated[
        str, typer.Option(help="A name, a row of weights, a checkpoint or the folder of a run.")
    ] = "resnet20",
    top: Annotated[int, typer.Option(help="Number of classes to print for each image.")] = 3,
    dataset: Annotated[
        str | None,
        typer.Option(
            help=f"Dataset whose classes the network knows: {', '.join(NAMED_DATASETS)}.",
            show_default="what it was trained on",
        ),
    ] = None,
    family: FamilyWord = None,
    key: KeyWord = None,
    sheet: Annotated[
        Path | None, path_option("Draw the images with their classes into this .png, .svg or .pdf.", "no")
    ] = None,
    device: Device = "auto",
    batch_size: Annotated[int, typer.Option(help="Images per batch.")] = 64,
    as_json: AsJson = False,
) -> None:
    """Classify image files. Example: resnetzoo predict photos 'more/*' --sheet sheet.png."""
    if sheet is not None:
        sheet = resnetzoo.prediction.check_sheet_name(sheet)
    network = resnetzoo.load_model(model, family=family, key=key).to(resnetzoo.resolve_device(device))  # type: ignore[arg-type]
    classes = network.classes if dataset is None else resnetzoo.classes_of(dataset)
    if classes is None:
        print("the model does not contain the names of its classes: pass --dataset to name them", file=sys.stderr)
    try:
        found = resnetzoo.predict(network, images, top=top, batch_size=batch_size, classes=classes)
    except resnetzoo.prediction.NoImageError as error:
        if as_json:  # each file gets its row, even if another one cannot be read
            _print_json([resnetzoo.Prediction(failed.path, (), (), failed.error) for failed in error.files])
        raise
    if sheet is not None:
        resnetzoo.prediction.check_no_image(sheet, found)  # before anything is printed
    if as_json:
        _print_json(found)
    else:
        _print_table(found, resnetzoo.prediction.model_title(network))
    if sheet is not None:
        resnetzoo.save_sheet(found, sheet, title=resnetzoo.prediction.model_title(network))
        print(f"written: {sheet}", file=sys.stderr if as_json else sys.stdout)
    _check_all_read(found)


def _check_all_read(found: list["resnetzoo.Prediction"]) -> None:
    failed = [prediction for prediction in found if prediction.error is not None]
    if failed:
        sys.stdout.flush()
        raise resnetzoo.ResnetzooError(f"{len(failed)} of {len(found)} files could not be read")


def _print_json(found: list["resnetzoo.Prediction"]) -> None:
    print_json([prediction.to_dict() for prediction in found])


def _print_table(found: list["resnetzoo.Prediction"], title: str) -> None:
    table = Table()
    table.add_column("image")
    table.add_column("class", no_wrap=True)
    table.add_column("%", justify="right", no_wrap=True)
    table.add_column("then")
    for prediction in found:
        if prediction.error is None:
            percent = [f"{100 * value:.1f}" for value in prediction.probabilities]
            rest = zip(prediction.classes[1:], percent[1:], strict=True)
            then = ", ".join(f"{name} {value}" for name, value in rest)
            cells = (prediction.printable_path, prediction.classes[0], percent[0], then)
        else:
            cells = (prediction.printable_path, "-", "-", prediction.error)
        table.add_row(*(Text(cell) for cell in cells))
    print(title)
    print_table(table)
