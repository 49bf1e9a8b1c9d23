"""The formats by their names on the command line. This module does not import torch; writing a file does."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from resnetzoo.errors import UsageError
from resnetzoo.utils.paths import output_path
from resnetzoo.utils.run_names import check_no_run_file
from resnetzoo.utils.validation import check_choice

if TYPE_CHECKING:
    from resnetzoo.export.subject import Exportable
    from resnetzoo.export.verify import Exported


@dataclass(frozen=True)
class Format:
    """How to write files of one format.

    Attributes:
        suffix: the suffix of the files' names.
        exporter: name of the function of `resnetzoo.export` that writes the files.
        options: which of the options `opset` and `batch` the format has.
    """

    suffix: str
    exporter: str
    options: tuple[str, ...] = ()

    def export(
        self, model: "Exportable", path: str | Path, *, opset: int | None = None, batch: int | None = None
    ) -> "Exported":
        """Write `model` to `path` and check the file with the function named by `exporter`, which may raise others.

        Raises:
            UsageError: an option that the format does not have.
        """
        chosen = self.check_options(opset=opset, batch=batch)
        exported: Exported = getattr(import_module("resnetzoo.export"), self.exporter)(model, path, **chosen)
        return exported

    def check_options(self, *, opset: int | None = None, batch: int | None = None) -> dict[str, int]:
        """The options that were given, after checking that the format has each of them.

        Raises:
            UsageError: the format does not have one of them; the message says which formats do.
        """
        given = {name: value for name, value in (("opset", opset), ("batch", batch)) if value is not None}
        for name in given:
            if name not in self.options:
                takers = " and ".join(word for word, form in FORMATS.items() if name in form.options)
                raise UsageError(
                    f"files that end in {self.suffix} have no {name}, only those of {takers}: leave it out"
                )
        return given

    def check_suffix(self, path: str | Path) -> Path:
        """Refuse a file name with the wrong suffix, and an existing file of a run, before anything is computed.

        Raises:
            UsageError: the suffix is wrong (the message states the right one), or a run has this file.
        """
        path = output_path(path, [self.suffix], "exports in this format")
        check_no_run_file(path)
        return path


FORMATS: dict[str, Format] = {
    "onnx": Format(".onnx", "export_onnx", ("opset", "batch")),
    "torch-export": Format(".pt2", "export_program", ("batch",)),
    "torchscript": Format(".pt", "export_torchscript"),
    "safetensors": Format(".safetensors", "export_safetensors"),
}
"""The formats by their names on the command line."""


def get_format(word: str) -> Format:
    """The format with this name.

    Raises:
        UsageError: no such format; the message lists them.
    """
    check_choice("format", word, FORMATS)
    return FORMATS[word]
