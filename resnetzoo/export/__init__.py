"""Networks as files that other programs run: ONNX, torch.export, TorchScript, safetensors.

>>> from resnetzoo.export import get_format
>>> get_format("torch-export").suffix
'.pt2'
"""

from typing import TYPE_CHECKING

from resnetzoo.utils.lazy import export_lazily

if TYPE_CHECKING:
    from resnetzoo.export.formats import FORMATS as FORMATS
    from resnetzoo.export.formats import Format as Format
    from resnetzoo.export.formats import get_format as get_format
    from resnetzoo.export.onnx import export_onnx as export_onnx
    from resnetzoo.export.safetensors import export_safetensors as export_safetensors
    from resnetzoo.export.subject import Exportable as Exportable
    from resnetzoo.export.torch_export import export_program as export_program
    from resnetzoo.export.torchscript import export_torchscript as export_torchscript
    from resnetzoo.export.verify import Exported as Exported
    from resnetzoo.export.wrapper import WithPreprocessing as WithPreprocessing
else:
    __getattr__, __dir__, __all__ = export_lazily(
        __name__,
        names={
            "resnetzoo.export.formats": ["FORMATS", "Format", "get_format"],
            "resnetzoo.export.onnx": ["export_onnx"],
            "resnetzoo.export.safetensors": ["export_safetensors"],
            "resnetzoo.export.subject": ["Exportable"],
            "resnetzoo.export.torch_export": ["export_program"],
            "resnetzoo.export.torchscript": ["export_torchscript"],
            "resnetzoo.export.verify": ["Exported"],
            "resnetzoo.export.wrapper": ["WithPreprocessing"],
        },
    )
