"""The formats by their names on the command line, one literal row each. No torch here: writing a file imports it."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from resnetzoo.errors import UsageError
from resnetzoo.utils.paths import user_path
from resnetzoo.utils.run_names import check_no_run_file
from resnetzoo.utils.validation import check_choice

if TYPE_CHECKING:
    from resnetzoo.export.subject import Exportable
    from resnetzoo.export.verify import Exported


@dataclass(frozen=True)
class Format:
    """How to write one.

    Attributes:
        suffix: of the files' names.
        exporter: the function of `resnetzoo.export` that writes them.
        options: those that it takes of `opset` and `batch`.
    """

    suffix: str
    exporter: str
    options: tuple[str, ...] = ()

    def export(
        self, model: "Exportable", path: str | Path, *, opset: int | None = None, batch: int | None = None
    ) -> "Exported":
        """Write `model` to `path`, and check the file; what the function named by `exporter` does and raises.

        Raises:
            UsageError: an option that the format does not take.
        """
        chosen = self.check_options(opset=opset, batch=batch)
        exported: Exported = getattr(import_module("resnetzoo.export"), self.exporter)(model, path, **chosen)
        return exported

    def check_options(self, *, opset: int | None = None, batch: int | None = None) -> dict[str, int]:
        """The options that were given, after checking that the format takes each.

        Raises:
            UsageError: one is not; the message says which formats take it.
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
        """Refuse a file name with the wrong suffix, and a file of a run, before anything is computed.

        Raises:
            UsageError: says the right name, or that a run has a file of this one.
        """
        path = user_path(path)
        if path.suffix != self.suffix:
            raise UsageError(f"files of this format must end in {self.suffix}, unlike {path.name or path}")
        check_no_run_file(path)
        return path


FORMATS: dict[str, Format] = {
    "onnx": Format(".onnx", "export_onnx", ("opset", "batch")),
    "torch-export": Format(".pt2", "export_program", ("batch",)),
    "torchscript": Format(".pt", "export_torchscript"),
    "safetensors": Format(".safetensors", "export_safetensors"),
}
"""The formats by the word that people type."""


def get_format(word: str) -> Format:
    """The format with this name.

    Raises:
        UsageError: no such format; the message lists them.
    """
    check_choice("format", word, FORMATS)
    return FORMATS[word]
