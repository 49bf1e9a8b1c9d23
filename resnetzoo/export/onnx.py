"""ONNX, for onnxruntime and every other program that reads it."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from resnetzoo.errors import ExportError
from resnetzoo.export.formats import FORMATS
from resnetzoo.export.subject import Exportable, Subject, subject_of, translating
from resnetzoo.export.verify import TRACED, Exported, exporting, verified
from resnetzoo.utils.files import write_atomically
from resnetzoo.utils.text import first_line
from resnetzoo.utils.validation import check_whole_number

if TYPE_CHECKING:
    from onnx import ModelProto

FIRST_OPSET = 11  # the first whose Slice supports the strides of identity shortcuts in every release of torch
FIRST_OF_GRAPHS = 18  # the first of torch's graph exporter; its trace exporter writes the older ones


def export_onnx(model: Exportable, path: str | Path, *, opset: int | None = None, batch: int | None = None) -> Exported:
    """Write one ONNX file, weights inside, for batches of any size or of `batch` images; checked by onnxruntime.

    Images must have the size of those that the network was trained on: 32 x 32 for CIFAR.

    The input is called `images` and the output `logits` (`features` without a classifier), or `pixels` and
    `probabilities` for `WithPreprocessing(model)`. The metadata hold spec, normalization and class names.

    Args:
        model: a network or `WithPreprocessing(model)`; it is left as it was.
        path: a name that ends in `.onnx`.
        opset: the version of ONNX's operators, at least 11, for programs that cannot read newer ones; by default
            torch's own.
        batch: number of images per batch; by default any number.

    Raises:
        UsageError: an unsupported model or file name, an `opset` that ONNX does not have, or a `batch` below 1.
        ExportError: onnx, onnxscript or onnxruntime is not installed, or does not support this opset; or the outputs of
            onnxruntime differ from the model's. Nothing is written then.
        OutputError: the file cannot be written; an existing one is unchanged.
    """
    path = FORMATS["onnx"].check_suffix(path)
    if batch is not None:
        check_whole_number("batch", batch)
    if opset is not None:
        check_whole_number("opset", opset, minimum=FIRST_OPSET)
    subject = subject_of(model)
    try:
        import onnx
        import onnxruntime
        import onnxscript as _onnxscript  # noqa: F401 (torch needs it)
    except ImportError as error:
        raise ExportError(
            f'ONNX needs packages that are not installed ({error}): pip install "resnetzoo[onnx]"'
        ) from error
    if opset is not None:
        check_whole_number("opset", opset, minimum=FIRST_OPSET, maximum=onnx.defs.onnx_opset_version())
    with translating(subject, "ONNX"), exporting(), _quietly():
        content = _translated(subject, opset, batch).SerializeToString()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    runtime = f"onnxruntime {onnxruntime.__version__}"
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has an exception of its own for each status
        if opset is None:
            raise
        raise ExportError(f"{runtime} does not run opset {opset}: {first_line(error)}; use a lower opset") from error

    def run(inputs: Tensor) -> Tensor:
        return torch.from_numpy(session.run(None, {subject.input_name: inputs.numpy()})[0])

    done = verified(subject, run, runtime, path, batch)
    write_atomically(path, content)
    return done


def _translated(subject: Subject, opset: int | None, batch: int | None) -> "ModelProto":
    """The network in ONNX, with the facts about it as metadata.

    Raises:
        ExportError: the network could not be written in this opset.
    """
    traced = opset is not None and opset < FIRST_OF_GRAPHS
    proto = _from_trace(subject, opset, batch) if traced else _from_graph(subject, opset, batch)
    written = next(entry.version for entry in proto.opset_import if not entry.domain)
    if opset not in (None, written):
        raise ExportError(
            f"torch {torch.__version__} with the installed onnxscript writes this network in opset {written}, not "
            f"{opset}: leave opset out, or use one from {FIRST_OPSET} to {FIRST_OF_GRAPHS}"
        )
    if batch is None:
        _name_batch(proto)
    for name, text in subject.facts.items():
        proto.metadata_props.add(key=name, value=text)
    return proto


def _from_graph(subject: Subject, opset: int | None, batch: int | None) -> "ModelProto":
    program = torch.onnx.export(
        subject.module,
        (subject.inputs(batch or TRACED),),
        dynamo=True,
        dynamic_shapes=({0: torch.export.Dim("batch")},) if batch is None else None,
        input_names=[subject.input_name],
        output_names=[subject.output_name],
        opset_version=opset,
        external_data=False,
        verbose=False,
    )
    if program is None:
        raise ExportError("torch.onnx returned no program")
    proto: ModelProto = program.model_proto
    return proto


def _from_trace(subject: Subject, opset: int | None, batch: int | None) -> "ModelProto":
    import onnx

    names = (subject.input_name, subject.output_name)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "traced.onnx"
        torch.onnx.export(
            subject.module,
            (subject.inputs(batch or TRACED),),
            str(file),
            dynamo=False,
            dynamic_axes={name: {0: "batch"} for name in names} if batch is None else None,
            input_names=[names[0]],
            output_names=[names[1]],
            opset_version=opset,
        )
        return onnx.load(file)


@contextmanager
def _quietly() -> Iterator[None]:
    """A block without the exporters' messages about deprecated parts of their own and each version converted to."""
    converter = logging.getLogger("onnxscript.version_converter")
    level = converter.level
    converter.setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        # onnxscript 0.1, which torch 2.6 needs, warns about what it still uses itself.
        warnings.filterwarnings("ignore", category=FutureWarning, module=r"onnxscript\.")
        # The trace exporter as a whole is deprecated, but it is the only one that writes opsets before 18.
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", message="Converting a tensor to a Python boolean|Constant folding")
        try:
            yield
        finally:
            converter.setLevel(level)


def _name_batch(proto: "ModelProto") -> None:
    """Call the axis of the images `batch`; torch 2.6 gives it a name of its own."""
    graph = proto.graph
    theirs = graph.input[0].type.tensor_type.shape.dim[0].dim_param
    for value in (*graph.input, *graph.output, *graph.value_info):
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param == theirs:
                dim.dim_param = "batch"
