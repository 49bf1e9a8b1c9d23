"""ONNX, for onnxruntime and everything that reads it."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from resnetzoo.errors import ExportError
from resnetzoo.export.formats import FORMATS
from resnetzoo.export.subject import Exportable, Subject, subject_of, translating
from resnetzoo.export.verify import Exported, exporting, verified
from resnetzoo.utils.files import write_atomically

if TYPE_CHECKING:
    from onnx import ModelProto


def export_onnx(model: Exportable, path: str | Path) -> Exported:
    """Write one ONNX file, weights inside, for batches of any number of images; checked by onnxruntime.

    Images have the size of those that the network was trained on: 32 x 32 for CIFAR's.

    Its input is `images` and its output `logits`, or `pixels` and `probabilities` of `WithPreprocessing(model)`. Spec,
    normalization and names of classes are its metadata.

    Args:
        model: what to export; it is left as it was.
        path: a name that ends in `.onnx`.

    Raises:
        UsageError: another kind of model or name.
        ExportError: onnx, onnxscript or onnxruntime is not installed; or onnxruntime gives other outputs than the
            model. Nothing is written then.
        OutputError: the file cannot be written; what stood there is untouched.
    """
    path = FORMATS["onnx"].check_suffix(path)
    subject = subject_of(model)
    try:
        import onnx as _onnx  # noqa: F401 (torch needs it, and onnxscript)
        import onnxruntime
        import onnxscript as _onnxscript  # noqa: F401
    except ImportError as error:
        raise ExportError(f'ONNX needs packages that are not here ({error}): pip install "resnetzoo[onnx]"') from error
    with translating(subject, "ONNX"), exporting():
        content = _translated(subject).SerializeToString()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def run(inputs: Tensor) -> Tensor:
        return torch.from_numpy(session.run(None, {subject.input_name: inputs.numpy()})[0])

    done = verified(subject, run, f"onnxruntime {onnxruntime.__version__}", path)
    write_atomically(path, content)
    return done


def _translated(subject: Subject) -> "ModelProto":
    with warnings.catch_warnings():
        # onnxscript 0.1, which torch 2.6 needs, warns of what it still uses itself.
        warnings.filterwarnings("ignore", category=FutureWarning, module=r"onnxscript\.")
        program = torch.onnx.export(
            subject.module,
            (subject.inputs(2),),
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            input_names=[subject.input_name],
            output_names=[subject.output_name],
            external_data=False,
            verbose=False,
        )
    if program is None:
        raise ExportError("torch.onnx gave no program")
    proto: ModelProto = program.model_proto
    _name_batch(proto)
    for name, text in subject.facts.items():
        proto.metadata_props.add(key=name, value=text)
    return proto


def _name_batch(proto: "ModelProto") -> None:
    """Call the axis of the images `batch`, for which torch 2.6 takes a name of its own."""
    graph = proto.graph
    theirs = graph.input[0].type.tensor_type.shape.dim[0].dim_param
    for value in (*graph.input, *graph.output, *graph.value_info):
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param == theirs:
                dim.dim_param = "batch"
