"""Weights that others published, one literal row each; they are fetched from their authors' addresses on demand."""

from resnetzoo.data import cifar_files, constants
from resnetzoo.models.pretrained import Weights
from resnetzoo.models.spec import ModelSpec


def _akamaster(depth: int, sha256: str, params: int, error: float) -> Weights:
    """A row of akamaster's weights: option A, with the paper's recipe except for ImageNet's normalization."""
    file = f"resnet{depth}-{sha256[:8]}.th"
    return Weights(
        name=f"resnet{depth}.akamaster_c10",
        spec=ModelSpec("residual", depth),
        file=file,
        url=f"https://github.com/akamaster/pytorch_resnet_cifar10/raw/master/pretrained_models/{file}",
        sha256=sha256,
        classes=cifar_files.CIFAR10.classes,
        mean=constants.IMAGENET[0],
        std=constants.IMAGENET[1],
        params=params,
        test_error=error,
        dataset=cifar_files.CIFAR10.name,
        recipe="200 epochs of 128, SGD 0.1 divided by 10 at 100 and 150, weight decay 1e-4; seed not said",
        epoch="not said",
        licence="BSD-2-Clause",
        source="Yerlan Idelbayev, github.com/akamaster/pytorch_resnet_cifar10, README",
    )


def _chenyaofo(depth: int, num_classes: int, sha256: str, params: int, accuracy: float) -> Weights:
    """A row of chenyaofo's weights: option B, at the epoch of 200 that is best on the test set."""
    published = cifar_files.CIFAR10 if num_classes == 10 else cifar_files.CIFAR100
    mean, std = constants.CIFAR10 if num_classes == 10 else constants.CIFAR100
    file = f"cifar{num_classes}_resnet{depth}-{sha256}.pt"
    return Weights(
        name=f"resnet{depth}.chenyaofo_c{num_classes}",
        spec=ModelSpec("residual", depth, shortcut="projection", num_classes=num_classes),
        file=file,
        url=f"https://github.com/chenyaofo/pytorch-cifar-models/releases/download/resnet/{file}",
        sha256=sha256,
        classes=published.classes,
        mean=mean,
        std=std,
        params=params,
        test_error=round(100 - accuracy, 2),
        dataset=published.name,
        recipe="200 epochs of 256, SGD 0.1 on a cosine, Nesterov, weight decay 5e-4; seed not said",
        epoch="best on the test set",
        licence="BSD-3-Clause",
        source="chenyaofo, github.com/chenyaofo/pytorch-cifar-models, README",
    )


PUBLISHED: tuple[Weights, ...] = (
    _akamaster(20, "12fca82f0bebc4135bf1f32f6e3710e61d5108578464b84fd6d7f5c1b04036c8", 269_722, 8.27),
    _akamaster(32, "d509ac1820d7f25398913559d7e81a13229b1e7adc5648e3bfa5e22dc137f850", 464_154, 7.37),
    _akamaster(44, "014dd6541728a1c700b1642ab640e211dc6eb8ed507d70697458dc8f8a0ae2e4", 658_586, 6.90),
    _akamaster(56, "4bfd97631478d6b638d2764fd2baff3edb1d7d82252d54439343b6596b9b5367", 853_018, 6.61),
    _akamaster(110, "1d1ed7c2", 1_727_962, 6.32),
    _chenyaofo(20, 10, "4118986f", 272_474, 92.60),
    _chenyaofo(32, 10, "ef93fc4d", 466_906, 93.53),
    _chenyaofo(44, 10, "2a3cabcb", 661_338, 94.01),
    _chenyaofo(56, 10, "187c023a", 855_770, 94.37),
    _chenyaofo(20, 100, "23dac2f1", 278_324, 68.83),
    _chenyaofo(32, 100, "84213ce6", 472_756, 70.16),
    _chenyaofo(44, 100, "ffe32858", 667_188, 71.63),
    _chenyaofo(56, 100, "f2eff4c8", 861_620, 72.63),
)
