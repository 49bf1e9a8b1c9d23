"""The networks for torch.hub, a function each: `torch.hub.load("owner/repository", "resnet20", weights=True)`.

Each takes what `resnetzoo.create` takes: `weights` (True, a tag such as `akamaster_c10`, a file or an https address;
left out, they are fresh), `num_classes`, `in_chans`, and, where there is one, `shortcut` (identity, projection or
projection_all). `pretrained=True`, as other repositories call it, is `weights=True`.
"""

from resnetzoo import CifarNet as _CifarNet
from resnetzoo import create as _create
from resnetzoo.models.spec import Shortcut as _Shortcut

dependencies = ["numpy", "safetensors", "torch"]
_Weights = bool | str | None


def plainnet20(
    weights: _Weights = None, num_classes: int | None = None, in_chans: int | None = None, pretrained: bool = False
) -> _CifarNet:
    """Plain, y = relu(F(x)): 20 layers, 269,722 parameters."""
    return _create("plainnet20", weights=weights or pretrained, num_classes=num_classes, in_chans=in_chans)


def plainnet32(
    weights: _Weights = None, num_classes: int | None = None, in_chans: int | None = None, pretrained: bool = False
) -> _CifarNet:
    """Plain, y = relu(F(x)): 32 layers, 464,154 parameters."""
    return _create("plainnet32", weights=weights or pretrained, num_classes=num_classes, in_chans=in_chans)


def plainnet44(
    weights: _Weights = None, num_classes: int | None = None, in_chans: int | None = None, pretrained: bool = False
) -> _CifarNet:
    """Plain, y = relu(F(x)): 44 layers, 658,586 parameters."""
    return _create("plainnet44", weights=weights or pretrained, num_classes=num_classes, in_chans=in_chans)


def plainnet56(
    weights: _Weights = None, num_classes: int | None = None, in_chans: int | None = None, pretrained: bool = False
) -> _CifarNet:
    """Plain, y = relu(F(x)): 56 layers, 853,018 parameters."""
    return _create("plainnet56", weights=weights or pretrained, num_classes=num_classes, in_chans=in_chans)


def plainnet110(
    weights: _Weights = None, num_classes: int | None = None, in_chans: int | None = None, pretrained: bool = False
) -> _CifarNet:
    """Plain, y = relu(F(x)): 110 layers, 1,727,962 parameters."""
    return _create("plainnet110", weights=weights or pretrained, num_classes=num_classes, in_chans=in_chans)


def preresnet20(
    weights: _Weights = None,
    num_classes: int | None = None,
    in_chans: int | None = None,
    shortcut: _Shortcut | None = None,
    pretrained: bool = False,
) -> _CifarNet:
    """Pre-activation, y = x + F(x): 20 layers, 269,722 parameters."""
    return _create(
        "preresnet20", weights=weights or pretrained, num_classes=num_classes, in_chans=in_chans, shortcut=shortcut
    )


def preresnet32(
    weights: _Weights = None,
    num_classes: int | None = None,
    in_chans: int | None = None,
    shortcut: _Shortcut | None = None,
    pretrained: bool = False,
) -> _CifarNet:
    """Pre-activation, y = x + F(x): 32 layers, 464,154 parameters."""
    return _create(
        "preresnet32", weights=weights or pretrained, num_classes=num_classes, in_chans=in_chans, shortcut=shortcut
    )


def preresnet44(
    weights: _Weights = None,
    num_classes: int | None = None,
    in_chans: int | None = None,
    shortcut: _Shortcut | None = None,
    pretrained: bool = False,
) -> _CifarNet:
    """Pre-activation, y = x + F(x): 44 layers, 658,586 parameters."""
    return _create(
        "preresnet44", weights=weights or pretrained, num_classes=num_classes, in_chans=in_chans, shortcut=shortcut
    )


def preresnet56(
    weights: _Weights = None,
    num_classes: int | None = None,
    in_chans: int | None = None,
    shortcut: _Shortcut | None = None,
    pretrained: bool = False,
) -> _CifarNet:
    """Pre-activation, y = x + F(x): 56 layers, 853,018 parameters."""
    return _create(
        "preresnet56", weights=weights or pretrained, num_classes=num_classes, in_chans=in_chans, shortcut=shortcut
    )


def preresnet110(
    weights: _Weights = None,
    num_classes: int | None = None,
    in_chans: int | None = None,
    shortcut: _Shortcut | None = None,
    pretrained: bool = False,
) -> _CifarNet:
    """Pre-activation, y = x + F(x): 110 layers, 1,727,962 parameters."""
    return _create(
        "preresnet110", weights=weights or pretrained, num_classes=num_classes, in_chans=in_chans, shortcut=shortcut
    )


def preresnet164(
    weights: _Weights = None,
    num_classes: int | None = None,
    in_chans: int | None = None,
    shortcut: _Shortcut | None = None,
    pretrained: bool = False,
) -> _CifarNet:
    """Pre-activation, y = x + F(x): 164 layers in bottleneck blocks, 1,703,258 parameters."""
    return _create(
        "preresnet164", weights=weights or pretrained, num_classes=num_classes, in_chans=in_chans, shortcut=shortcut
    )


def preresnet1001(
    weights: _Weights = None,
    num_classes: int | None = None,
    in_chans: int | None = None,
    shortcut: _Shortcut | None = None,
    pretrained: bool = False,
) -> _CifarNet:
    """Pre-activation, y = x + F(x): 1001 layers in bottleneck blocks, 10,327,706 parameters."""
    return _create(
        "preresnet1001", weights=weights or pretrained, num_classes=num_classes, in_chans=in_chans, shortcut=shortcut
    )


def resnet20(
    weights: _Weights = None,
    num_classes: int | None = None,
    in_chans: int | None = None,
    shortcut: _Shortcut | None = None,
    pretrained: bool = False,
) -> _CifarNet:
    """Residual, y = relu(F(x) + shortcut(x)): 20 layers, 269,722 parameters."""
    return _create(
        "resnet20", weights=weights or pretrained, num_classes=num_classes, in_chans=in_chans, shortcut=shortcut
    )


def resnet32(
    weights: _Weights = None,
    num_classes: int | None = None,
    in_chans: int | None = None,
    shortcut: _Shortcut | None = None,
    pretrained: bool = False,
) -> _CifarNet:
    """Residual, y = relu(F(x) + shortcut(x)): 32 layers, 464,154 parameters."""
    return _create(
        "resnet32", weights=weights or pretrained, num_classes=num_classes, in_chans=in_chans, shortcut=shortcut
    )


def resnet44(
    weights: _Weights = None,
    num_classes: int | None = None,
    in_chans: int | None = None,
    shortcut: _Shortcut | None = None,
    pretrained: bool = False,
) -> _CifarNet:
    """Residual, y = relu(F(x) + shortcut(x)): 44 layers, 658,586 parameters."""
    return _create(
        "resnet44", weights=weights or pretrained, num_classes=num_classes, in_chans=in_chans, shortcut=shortcut
    )


def resnet56(
    weights: _Weights = None,
    num_classes: int | None = None,
    in_chans: int | None = None,
    shortcut: _Shortcut | None = None,
    pretrained: bool = False,
) -> _CifarNet:
    """Residual, y = relu(F(x) + shortcut(x)): 56 layers, 853,018 parameters."""
    return _create(
        "resnet56", weights=weights or pretrained, num_classes=num_classes, in_chans=in_chans, shortcut=shortcut
    )


def resnet110(
    weights: _Weights = None,
    num_classes: int | None = None,
    in_chans: int | None = None,
    shortcut: _Shortcut | None = None,
    pretrained: bool = False,
) -> _CifarNet:
    """Residual, y = relu(F(x) + shortcut(x)): 110 layers, 1,727,962 parameters."""
    return _create(
        "resnet110", weights=weights or pretrained, num_classes=num_classes, in_chans=in_chans, shortcut=shortcut
    )


def resnet164(
    weights: _Weights = None,
    num_classes: int | None = None,
    in_chans: int | None = None,
    shortcut: _Shortcut | None = None,
    pretrained: bool = False,
) -> _CifarNet:
    """Residual, y = relu(F(x) + shortcut(x)): 164 layers in bottleneck blocks, 1,704,154 parameters."""
    return _create(
        "resnet164", weights=weights or pretrained, num_classes=num_classes, in_chans=in_chans, shortcut=shortcut
    )


def resnet1202(
    weights: _Weights = None,
    num_classes: int | None = None,
    in_chans: int | None = None,
    shortcut: _Shortcut | None = None,
    pretrained: bool = False,
) -> _CifarNet:
    """Residual, y = relu(F(x) + shortcut(x)): 1202 layers, 19,421,274 parameters."""
    return _create(
        "resnet1202", weights=weights or pretrained, num_classes=num_classes, in_chans=in_chans, shortcut=shortcut
    )
