"""Networks as files that other programs run: ONNX, torch.export, TorchScript, safetensors.

>>> get_format("torch-export").suffix
'.pt2'
"""

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
