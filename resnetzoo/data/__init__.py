"""Data sets of small images: read, fetched or drawn, always as whole uint8 tensors with a fingerprint."""

from resnetzoo.data.choice import SyntheticDataWarning as SyntheticDataWarning
from resnetzoo.data.choice import load_data as load_data
from resnetzoo.data.cifar import cache_folder as cache_folder
from resnetzoo.data.cifar import cifar10 as cifar10
from resnetzoo.data.cifar import cifar100 as cifar100
from resnetzoo.data.images import Data as Data
from resnetzoo.data.images import ImageSet as ImageSet
from resnetzoo.data.readers import UnofficialDataWarning as UnofficialDataWarning
from resnetzoo.data.synthetic import synthetic as synthetic
