"""The formats by the words of the command line: one literal row each."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from resnetzoo.errors import UsageError
from resnetzoo.export import onnx, safetensors, torch_export, torchscript
from resnetzoo.export.subject import Exportable
from resnetzoo.export.verify import Exported


@dataclass(frozen=True)
class Format:
    """How to write one: `export(model, path)`, where `path` ends in `suffix`."""

    suffix: str
    export: Callable[[Exportable, str | Path], Exported]


FORMATS: dict[str, Format] = {
    "onnx": Format(onnx.SUFFIX, onnx.export_onnx),
    "torch-export": Format(torch_export.SUFFIX, torch_export.export_program),
    "torchscript": Format(torchscript.SUFFIX, torchscript.export_torchscript),
    "safetensors": Format(safetensors.SUFFIX, safetensors.export_safetensors),
}
"""The formats by the word that people type."""


def get_format(word: str) -> Format:
    """The format with this word.

    Raises:
        UsageError: no such format; the message lists them.
    """
    if word not in FORMATS:
        raise UsageError(f'an export is one of {", ".join(FORMATS)}, not "{word}"')
    return FORMATS[word]
