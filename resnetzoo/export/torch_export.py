"""torch.export: the network as a graph that torch loads without this package."""

import io
from pathlib import Path

import torch

from resnetzoo.export.formats import FORMATS
from resnetzoo.export.subject import FACTS, Exportable, subject_of, translating
from resnetzoo.export.verify import TRACED, Exported, exporting, verified
from resnetzoo.utils.files import write_atomically
from resnetzoo.utils.strict_json import to_json
from resnetzoo.utils.validation import check_whole_number


def export_program(model: Exportable, path: str | Path, *, batch: int | None = None) -> Exported:
    """Write a program of `torch.export`, for batches of any size or of `batch` images; checked by loading it back.

    Images must have the size of those that the network was trained on: 32 x 32 for CIFAR.

    `torch.export.load(path).module()` is the network again. Given `extra_files={"resnetzoo.json": ""}`, `load` fills it
    with the spec, normalization and class names.

    Args:
        model: a network or `WithPreprocessing(model)`; it is left as it was.
        path: a name that ends in `.pt2`.
        batch: number of images per batch; by default any number.

    Raises:
        UsageError: an unsupported model or file name, or `batch` is not a whole number above 0.
        ExportError: the outputs of the file, loaded back, differ from the model's; nothing is written then.
        OutputError: the file cannot be written; an existing one is unchanged.
    """
    path = FORMATS["torch-export"].check_suffix(path)
    if batch is not None:
        check_whole_number("batch", batch)
    subject = subject_of(model)
    dynamic = ({0: torch.export.Dim("batch")},) if batch is None else None
    content = io.BytesIO()
    with translating(subject, "torch.export"), exporting():
        program = torch.export.export(subject.module, (subject.inputs(batch or TRACED),), dynamic_shapes=dynamic)
        torch.export.save(program, content, extra_files={FACTS: to_json(subject.facts)})
        content.seek(0)
        run = torch.export.load(content).module()
    done = verified(subject, run, f"torch.export {torch.__version__}", path, batch)
    write_atomically(path, content.getvalue())
    return done
