"""CIFAR networks of *Deep Residual Learning for Image Recognition* (arXiv:1512.03385), with their plain twins.

>>> import resnetzoo
>>> model = resnetzoo.create("resnet56")
"""

from resnetzoo import recipes as recipes
from resnetzoo.agreement import Agreement as Agreement
from resnetzoo.agreement import agreement as agreement
from resnetzoo.checkpoint import Checkpoint as Checkpoint
from resnetzoo.complexity import Complexity as Complexity
from resnetzoo.complexity import complexity as complexity
from resnetzoo.data import Data as Data
from resnetzoo.data import ImageSet as ImageSet
from resnetzoo.data import SyntheticDataWarning as SyntheticDataWarning
from resnetzoo.data import UnofficialDataWarning as UnofficialDataWarning
from resnetzoo.data import cifar10 as cifar10
from resnetzoo.data import cifar100 as cifar100
from resnetzoo.data import load_data as load_data
from resnetzoo.data import synthetic as synthetic
from resnetzoo.errors import CheckpointError as CheckpointError
from resnetzoo.errors import DownloadError as DownloadError
from resnetzoo.errors import ResnetzooError as ResnetzooError
from resnetzoo.errors import SomeRunsFailedError as SomeRunsFailedError
from resnetzoo.errors import TrainingInterrupted as TrainingInterrupted
from resnetzoo.errors import UnknownModelError as UnknownModelError
from resnetzoo.errors import UsageError as UsageError
from resnetzoo.evaluation import Evaluation as Evaluation
from resnetzoo.evaluation import evaluate as evaluate
from resnetzoo.inference import OptimizedNet as OptimizedNet
from resnetzoo.inference import optimize as optimize
from resnetzoo.loading import CheckpointWarning as CheckpointWarning
from resnetzoo.loading import load_checkpoint as load_checkpoint
from resnetzoo.loading import network_of as network_of
from resnetzoo.loading import open_checkpoint as open_checkpoint
from resnetzoo.many import Job as Job
from resnetzoo.many import fit_many as fit_many
from resnetzoo.network import CifarNet as CifarNet
from resnetzoo.normalization import Normalization as Normalization
from resnetzoo.origin import Origin as Origin
from resnetzoo.prediction import Prediction as Prediction
from resnetzoo.prediction import predict as predict
from resnetzoo.prediction import save_sheet as save_sheet
from resnetzoo.preprocessing import ImageTransform as ImageTransform
from resnetzoo.recipes import Recipe as Recipe
from resnetzoo.registry import get_spec as get_spec
from resnetzoo.registry import list_models as list_models
from resnetzoo.registry import register as register
from resnetzoo.run import EpochRow as EpochRow
from resnetzoo.run import Run as Run
from resnetzoo.run import RunRecord as RunRecord
from resnetzoo.run import read_records as read_records
from resnetzoo.spec import BlockShape as BlockShape
from resnetzoo.spec import ModelSpec as ModelSpec
from resnetzoo.train import fit as fit
from resnetzoo.version import __version__ as __version__
from resnetzoo.weights import Weights as Weights
from resnetzoo.weights import get_weights as get_weights
from resnetzoo.weights import list_weights as list_weights
from resnetzoo.weights.opening import load_model as load_model
from resnetzoo.weights.writing import save_weights as save_weights
from resnetzoo.zoo import create as create
from resnetzoo.zoo import plainnet as plainnet
from resnetzoo.zoo import preresnet as preresnet
from resnetzoo.zoo import resnet as resnet
