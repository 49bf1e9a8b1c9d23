"""CIFAR networks of *Deep Residual Learning for Image Recognition* (arXiv:1512.03385), with their plain twins.

>>> import resnetzoo
>>> model = resnetzoo.create("resnet56")
"""

from resnetzoo.utils.lazy import TYPE_CHECKING, export_lazily
from resnetzoo.version import __version__ as __version__

if TYPE_CHECKING:
    from resnetzoo import analysis as analysis
    from resnetzoo import bench as bench
    from resnetzoo import data as data
    from resnetzoo import errors as errors
    from resnetzoo import evaluation as evaluation
    from resnetzoo import export as export
    from resnetzoo import inference as inference
    from resnetzoo import interop as interop
    from resnetzoo import metrics as metrics
    from resnetzoo import models as models
    from resnetzoo import plots as plots
    from resnetzoo import prediction as prediction
    from resnetzoo import recipes as recipes
    from resnetzoo import report as report
    from resnetzoo import reproduce as reproduce
    from resnetzoo import rerunning as rerunning
    from resnetzoo import training as training
    from resnetzoo import utils as utils
    from resnetzoo import version as version
    from resnetzoo import weights as weights
    from resnetzoo.data import CorruptedImages as CorruptedImages
    from resnetzoo.data import Data as Data
    from resnetzoo.data import ImageSet as ImageSet
    from resnetzoo.data import NewTestImages as NewTestImages
    from resnetzoo.data import SampleDepthWarning as SampleDepthWarning
    from resnetzoo.data import SyntheticDataWarning as SyntheticDataWarning
    from resnetzoo.data import UnofficialDataWarning as UnofficialDataWarning
    from resnetzoo.data import cifar10 as cifar10
    from resnetzoo.data import cifar10_1 as cifar10_1
    from resnetzoo.data import cifar10_c as cifar10_c
    from resnetzoo.data import cifar100 as cifar100
    from resnetzoo.data import cifar100_c as cifar100_c
    from resnetzoo.data import load_data as load_data
    from resnetzoo.data import read_image as read_image
    from resnetzoo.data import synthetic as synthetic
    from resnetzoo.data.classes import classes_of as classes_of
    from resnetzoo.data.normalization import Normalization as Normalization
    from resnetzoo.data.transforms import ImageTransform as ImageTransform
    from resnetzoo.errors import BrokenDownloadError as BrokenDownloadError
    from resnetzoo.errors import CheckpointError as CheckpointError
    from resnetzoo.errors import DownloadError as DownloadError
    from resnetzoo.errors import ExportError as ExportError
    from resnetzoo.errors import ResnetzooError as ResnetzooError
    from resnetzoo.errors import SomeRunsFailedError as SomeRunsFailedError
    from resnetzoo.errors import TrainingInterrupted as TrainingInterrupted
    from resnetzoo.errors import UnknownModelError as UnknownModelError
    from resnetzoo.errors import UsageError as UsageError
    from resnetzoo.evaluation.corruptions import CorruptionRow as CorruptionRow
    from resnetzoo.evaluation.corruptions import CorruptionTable as CorruptionTable
    from resnetzoo.evaluation.corruptions import evaluate_corruptions as evaluate_corruptions
    from resnetzoo.evaluation.metrics import ClassError as ClassError
    from resnetzoo.evaluation.metrics import Evaluation as Evaluation
    from resnetzoo.evaluation.metrics import evaluate as evaluate
    from resnetzoo.evaluation.parity import Agreement as Agreement
    from resnetzoo.evaluation.parity import agreement as agreement
    from resnetzoo.evaluation.stored_logits import StoredLogits as StoredLogits
    from resnetzoo.export import Exported as Exported
    from resnetzoo.export import WithPreprocessing as WithPreprocessing
    from resnetzoo.export import export_onnx as export_onnx
    from resnetzoo.export import export_program as export_program
    from resnetzoo.export import export_safetensors as export_safetensors
    from resnetzoo.export import export_torchscript as export_torchscript
    from resnetzoo.inference.contact_sheet import save_sheet as save_sheet
    from resnetzoo.inference.optimized_net import OptimizedNet as OptimizedNet
    from resnetzoo.inference.optimized_net import optimize as optimize
    from resnetzoo.inference.predictor import Prediction as Prediction
    from resnetzoo.inference.predictor import predict as predict
    from resnetzoo.models.builders import plainnet as plainnet
    from resnetzoo.models.builders import preresnet as preresnet
    from resnetzoo.models.builders import resnet as resnet
    from resnetzoo.models.cifar_net import CifarNet as CifarNet
    from resnetzoo.models.complexity import Complexity as Complexity
    from resnetzoo.models.complexity import complexity as complexity
    from resnetzoo.models.pretrained import Origin as Origin
    from resnetzoo.models.pretrained import Pretrained as Pretrained
    from resnetzoo.models.registry import get_spec as get_spec
    from resnetzoo.models.registry import register as register
    from resnetzoo.models.shapes import BlockShape as BlockShape
    from resnetzoo.models.shapes import ConvShape as ConvShape
    from resnetzoo.models.shapes import Stage as Stage
    from resnetzoo.models.spec import ModelSpec as ModelSpec
    from resnetzoo.training.callbacks.base import Callback as Callback
    from resnetzoo.training.concurrent import Job as Job
    from resnetzoo.training.concurrent import fit_many as fit_many
    from resnetzoo.training.fitting import fit as fit
    from resnetzoo.training.logits_file import load_logits as load_logits
    from resnetzoo.training.recipes import Recipe as Recipe
    from resnetzoo.training.results import EpochRow as EpochRow
    from resnetzoo.training.results import Run as Run
    from resnetzoo.training.results import RunRecord as RunRecord
    from resnetzoo.training.results import folder_name as folder_name
    from resnetzoo.training.results import read_records as read_records
    from resnetzoo.training.starting_point import StartingPoint as StartingPoint
    from resnetzoo.training.trainer_state import TrainerState as TrainerState
    from resnetzoo.utils.command import run_main as run_main
    from resnetzoo.utils.device import resolve_device as resolve_device
    from resnetzoo.utils.paths import user_path as user_path
    from resnetzoo.weights import Weights as Weights
    from resnetzoo.weights import get_weights as get_weights
    from resnetzoo.weights import list_weights as list_weights
    from resnetzoo.weights.catalog import list_models as list_models
    from resnetzoo.weights.checkpoint.load import CheckpointWarning as CheckpointWarning
    from resnetzoo.weights.checkpoint.load import load_checkpoint as load_checkpoint
    from resnetzoo.weights.checkpoint.training_state import Checkpoint as Checkpoint
    from resnetzoo.weights.checkpoint.training_state import network_of as network_of
    from resnetzoo.weights.checkpoint.training_state import open_checkpoint as open_checkpoint
    from resnetzoo.weights.factory import create as create
    from resnetzoo.weights.factory import load_model as load_model
    from resnetzoo.weights.save import save_weights as save_weights
else:
    __getattr__, __dir__, __all__ = export_lazily(
        __name__,
        names={
            "resnetzoo.data": [
                "CorruptedImages",
                "Data",
                "ImageSet",
                "NewTestImages",
                "SampleDepthWarning",
                "SyntheticDataWarning",
                "UnofficialDataWarning",
                "cifar10",
                "cifar100",
                "cifar100_c",
                "cifar10_1",
                "cifar10_c",
                "load_data",
                "read_image",
                "synthetic",
            ],
            "resnetzoo.data.normalization": ["Normalization"],
            "resnetzoo.data.classes": ["classes_of"],
            "resnetzoo.data.transforms": ["ImageTransform"],
            "resnetzoo.errors": [
                "BrokenDownloadError",
                "CheckpointError",
                "DownloadError",
                "ExportError",
                "ResnetzooError",
                "SomeRunsFailedError",
                "TrainingInterrupted",
                "UnknownModelError",
                "UsageError",
            ],
            "resnetzoo.evaluation.corruptions": ["CorruptionRow", "CorruptionTable", "evaluate_corruptions"],
            "resnetzoo.evaluation.metrics": ["ClassError", "Evaluation", "evaluate"],
            "resnetzoo.evaluation.parity": ["Agreement", "agreement"],
            "resnetzoo.evaluation.stored_logits": ["StoredLogits"],
            "resnetzoo.export": [
                "Exported",
                "WithPreprocessing",
                "export_onnx",
                "export_program",
                "export_safetensors",
                "export_torchscript",
            ],
            "resnetzoo.inference.contact_sheet": ["save_sheet"],
            "resnetzoo.inference.optimized_net": ["OptimizedNet", "optimize"],
            "resnetzoo.inference.predictor": ["Prediction", "predict"],
            "resnetzoo.models.builders": ["plainnet", "preresnet", "resnet"],
            "resnetzoo.models.cifar_net": ["CifarNet"],
            "resnetzoo.models.complexity": ["Complexity", "complexity"],
            "resnetzoo.models.pretrained": ["Origin", "Pretrained"],
            "resnetzoo.models.registry": ["get_spec", "register"],
            "resnetzoo.models.shapes": ["BlockShape", "ConvShape", "Stage"],
            "resnetzoo.models.spec": ["ModelSpec"],
            "resnetzoo.training.callbacks.base": ["Callback"],
            "resnetzoo.training.concurrent": ["Job", "fit_many"],
            "resnetzoo.training.fitting": ["fit"],
            "resnetzoo.training.logits_file": ["load_logits"],
            "resnetzoo.training.recipes": ["Recipe"],
            "resnetzoo.training.results": ["EpochRow", "Run", "RunRecord", "folder_name", "read_records"],
            "resnetzoo.utils.command": ["run_main"],
            "resnetzoo.utils.paths": ["user_path"],
            "resnetzoo.utils.device": ["resolve_device"],
            "resnetzoo.training.starting_point": ["StartingPoint"],
            "resnetzoo.training.trainer_state": ["TrainerState"],
            "resnetzoo.weights": ["Weights", "get_weights", "list_weights"],
            "resnetzoo.weights.catalog": ["list_models"],
            "resnetzoo.weights.checkpoint.load": ["CheckpointWarning", "load_checkpoint"],
            "resnetzoo.weights.checkpoint.training_state": ["Checkpoint", "network_of", "open_checkpoint"],
            "resnetzoo.weights.factory": ["create", "load_model"],
            "resnetzoo.weights.save": ["save_weights"],
        },
        submodules=[
            "analysis",
            "bench",
            "data",
            "errors",
            "evaluation",
            "export",
            "inference",
            "interop",
            "metrics",
            "models",
            "plots",
            "prediction",
            "recipes",
            "report",
            "reproduce",
            "rerunning",
            "training",
            "utils",
            "version",
            "weights",
        ],
    )
