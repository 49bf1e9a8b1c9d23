"""Data sets of small images: read, fetched or drawn, always as whole uint8 tensors with a fingerprint."""

from resnetzoo.data.cifar import cifar10 as cifar10
from resnetzoo.data.cifar import cifar100 as cifar100
from resnetzoo.data.cifar_reader import UnofficialDataWarning as UnofficialDataWarning
from resnetzoo.data.image_set import Data as Data
from resnetzoo.data.image_set import ImageSet as ImageSet
from resnetzoo.data.load import SyntheticDataWarning as SyntheticDataWarning
from resnetzoo.data.load import load_data as load_data
from resnetzoo.data.synthetic_set import synthetic as synthetic
from resnetzoo.utils.download import cache_folder as cache_folder
