"""`export`: a network as a file that other programs run."""

import math
from pathlib import Path
from typing import Annotated

import typer

import resnetzoo
from resnetzoo.cli.options import FamilyWord, KeyWord, ModelWord, path_option


def export_command(
    model: ModelWord,
    format: Annotated[  # noqa: A002 (the option's own word)
        str, typer.Option("--format", "--to", help=f"{', '.join(resnetzoo.export.FORMATS)}.")
    ],
    preprocessing: Annotated[
        bool,
        typer.Option("--preprocessing", help="Include preprocessing: uint8 pixels (N, H, W, C) in, probabilities out."),
    ] = False,
    family: FamilyWord = None,
    key: KeyWord = None,
    opset: Annotated[int | None, typer.Option(help="The ONNX opset, 11 or later.", show_default="torch's own")] = None,
    batch: Annotated[
        int | None, typer.Option(help="Batch size of onnx and torch-export.", show_default="any number")
    ] = None,
    out: Annotated[
        Path | None,
        path_option(
            "The file; an existing one is replaced.",
            "a new file, named after the row or network, with the format's suffix",
        ),
    ] = None,
) -> None:
    """Export a trained network and check the file. Example: resnetzoo export resnet20 --format onnx."""
    chosen = resnetzoo.export.get_format(format)
    if out is not None:
        out = chosen.check_suffix(out)
    chosen.check_options(opset=opset, batch=batch)
    network = resnetzoo.load_model(model, family=family, key=key)  # type: ignore[arg-type]
    subject = resnetzoo.WithPreprocessing(network) if preprocessing else network
    path = out or Path(f"{_name(model, network)}{chosen.suffix}")
    _check_no_input(path, network)
    if out is None:
        _check_new(path)
    done = chosen.export(subject, path, opset=opset, batch=batch)
    print(f"written: {done.path}, {done.path.stat().st_size:,} bytes")
    print(f"checked: {done.runtime} reproduces the model's outputs, with differences up to {done.max_difference:.1e}")
    if math.isinf(done.rounding):
        print(
            "some outputs do not fit into float32, and only the others were compared: train the network, then export "
            "it again"
        )


def _name(word: str, network: "resnetzoo.CifarNet") -> str:
    """The name for the file: the typed word if it names a network or row of weights, else the network's label."""
    row = network.weights
    return word if row is not None and word in (row.network, row.name) else network.spec.label.split()[0]


def _check_no_input(path: Path, network: "resnetzoo.CifarNet") -> None:
    """Refuse to overwrite the file that the network was read from."""
    origin = network.origin
    if origin is not None and path.exists() and path.samefile(origin.path):
        raise resnetzoo.UsageError(f"{path} is the file that is being exported: choose another name with --out")


def _check_new(path: Path) -> None:
    """Refuse to overwrite a file, such as someone's weights, whose name was not typed but chosen by this command.

    Raises:
        UsageError: the file exists; the message says what to type to replace it.
    """
    if path.exists() or path.is_symlink():  # also a broken one
        raise resnetzoo.UsageError(
            f"{path} already exists: choose another name with --out, or replace it by --out {path}"
        )
