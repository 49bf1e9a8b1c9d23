"""The formats by the words of the command line: one literal row each. No torch here: writing a file imports it."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from resnetzoo.errors import UsageError
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
    """

    suffix: str
    exporter: str

    def export(self, model: "Exportable", path: str | Path) -> "Exported":
        """Write `model` to `path`, and check the file; what the function named by `exporter` does and raises."""
        exported: Exported = getattr(import_module("resnetzoo.export"), self.exporter)(model, path)
        return exported

    def check_suffix(self, path: str | Path) -> Path:
        """Refuse, before anything is computed, a name with another suffix.

        Raises:
            UsageError: says the right name.
        """
        path = Path(path)
        if path.suffix != self.suffix:
            raise UsageError(f"this format is written to names that end in {self.suffix}, not to {path.name or path}")
        return path


FORMATS: dict[str, Format] = {
    "onnx": Format(".onnx", "export_onnx"),
    "torch-export": Format(".pt2", "export_program"),
    "torchscript": Format(".pt", "export_torchscript"),
    "safetensors": Format(".safetensors", "export_safetensors"),
}
"""The formats by the word that people type."""


def get_format(word: str) -> Format:
    """The format with this word.

    Raises:
        UsageError: no such format; the message lists them.
    """
    check_choice("format", word, FORMATS)
    return FORMATS[word]
