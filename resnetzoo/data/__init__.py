"""Datasets of small images: read, fetched or drawn, always as whole uint8 tensors with a fingerprint."""

from typing import TYPE_CHECKING

from resnetzoo.utils.lazy import export_lazily

if TYPE_CHECKING:
    from resnetzoo.data.cifar import cifar10 as cifar10
    from resnetzoo.data.cifar import cifar100 as cifar100
    from resnetzoo.data.cifar_reader import UnofficialDataWarning as UnofficialDataWarning
    from resnetzoo.data.classes import classes_of as classes_of
    from resnetzoo.data.corrupted import CorruptedImages as CorruptedImages
    from resnetzoo.data.corrupted import cifar10_c as cifar10_c
    from resnetzoo.data.corrupted import cifar100_c as cifar100_c
    from resnetzoo.data.image_reader import read_image as read_image
    from resnetzoo.data.image_set import ImageSet as ImageSet
    from resnetzoo.data.load import SyntheticDataWarning as SyntheticDataWarning
    from resnetzoo.data.load import load_data as load_data
    from resnetzoo.data.new_test_images import NewTestImages as NewTestImages
    from resnetzoo.data.new_test_images import cifar10_1 as cifar10_1
    from resnetzoo.data.pair import Data as Data
    from resnetzoo.data.sample_depth import SampleDepthWarning as SampleDepthWarning
    from resnetzoo.data.synthetic_set import synthetic as synthetic
    from resnetzoo.utils.download import cache_folder as cache_folder
else:
    __getattr__, __dir__, __all__ = export_lazily(
        __name__,
        names={
            "resnetzoo.data.cifar": ["cifar10", "cifar100"],
            "resnetzoo.data.new_test_images": ["NewTestImages", "cifar10_1"],
            "resnetzoo.data.cifar_reader": ["UnofficialDataWarning"],
            "resnetzoo.data.classes": ["classes_of"],
            "resnetzoo.data.corrupted": ["CorruptedImages", "cifar10_c", "cifar100_c"],
            "resnetzoo.data.image_reader": ["read_image"],
            "resnetzoo.data.image_set": ["ImageSet"],
            "resnetzoo.data.pair": ["Data"],
            "resnetzoo.data.load": ["SyntheticDataWarning", "load_data"],
            "resnetzoo.data.sample_depth": ["SampleDepthWarning"],
            "resnetzoo.data.synthetic_set": ["synthetic"],
            "resnetzoo.utils.download": ["cache_folder"],
        },
    )
