"""TorchScript: the network with its code, for torch in C++ and on phones."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from resnetzoo.export.formats import FORMATS
from resnetzoo.export.subject import FACTS, Exportable, subject_of, translating
from resnetzoo.export.verify import Exported, exporting, verified
from resnetzoo.utils.files import write_atomically
from resnetzoo.utils.strict_json import to_json


def export_torchscript(model: Exportable, path: str | Path) -> Exported:
    """Write a script of `torch.jit`, for batches of any number of images of any size; checked by loading it back.

    `torch.jit.load(path)` loads it in Python, and `torch::jit::load` in C++. Given
    `_extra_files={"resnetzoo.json": ""}`, `load` fills it with the spec, normalization and class names. torch
    recommends `torch.export` for new programs.

    Args:
        model: a network or `WithPreprocessing(model)`; it is left as it was.
        path: a name that ends in `.pt`.

    Raises:
        UsageError: an unsupported model or file name.
        ExportError: the outputs of the file, loaded back, differ from the model's; nothing is written then.
        OutputError: the file cannot be written; an existing one is unchanged.
    """
    path = FORMATS["torchscript"].check_suffix(path)
    subject = subject_of(model)
    content = io.BytesIO()
    with translating(subject, "TorchScript"), exporting(), _without_advice():
        torch.jit.save(torch.jit.script(subject.module), content, _extra_files={FACTS: to_json(subject.facts)})
        content.seek(0)
        run = torch.jit.load(content)  # type: ignore[no-untyped-call]
    done = verified(subject, run, f"torch.jit {torch.__version__}", path)
    write_atomically(path, content.getvalue())
    return done


@contextmanager
def _without_advice() -> Iterator[None]:
    """A block without torch's advice against scripts, which it repeats for each layer: the caller asked for one."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"`torch\.jit\.\w+` is")
        yield
