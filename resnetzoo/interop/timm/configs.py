"""The timm configuration of a network's weights, made from our rows: address, input and head."""

from typing import Any

from timm.models import DefaultCfg, PretrainedCfg, generate_default_cfgs

from resnetzoo.models.pretrained import Weights
from resnetzoo.models.registry import get_spec
from resnetzoo.models.spec import ModelSpec
from resnetzoo.weights.catalog import list_weights
from resnetzoo.weights.hub import path_of
from resnetzoo.weights.packaged import PACKAGED

_CIFAR10 = PACKAGED[0]  # its mean and standard deviation are those of CIFAR-10's training images


def default_configs(name: str, variant: str) -> DefaultCfg:
    """The configurations of the network `name`, timm's `variant`: one for each row of weights, under the row's tag.

    The first row is the default, as in `create(name, weights=True)`; a network without rows has one configuration
    without weights.
    """
    rows = list_weights(f"{name}.*")
    configs: dict[str, dict[str, Any] | PretrainedCfg] = {f"{variant}.{row.tag}": _of_row(row) for row in rows}
    if not configs:
        configs[variant] = _untrained(get_spec(name))
    made: dict[str, DefaultCfg] = generate_default_cfgs(configs)
    return made[variant]


def _of_row(row: Weights) -> dict[str, Any]:
    return {
        **_network(row.spec, row.input_size),
        "file": str(path_of(row)) if row.packaged else None,
        "url": row.url,
        "mean": row.mean,
        "std": row.std,
        "label_names": row.classes,
        "license": row.licence.lower(),
        "description": f"top-1 error {row.test_error} % on {row.test_images:,} test images; {row.trained_on}",
        "notes": (f"recipe: {row.recipe}", f"epoch: {row.epoch}", f"source: {row.source}", f"SHA-256: {row.sha256}"),
    }


def _untrained(spec: ModelSpec) -> dict[str, Any]:
    mean: tuple[float, ...] = _CIFAR10.mean
    std: tuple[float, ...] = _CIFAR10.std
    if spec.in_chans != 3:  # the mean over the colors, for each channel
        mean, std = ((sum(channels) / 3,) * spec.in_chans for channels in (mean, std))
    return {**_network(spec, _CIFAR10.input_size), "mean": mean, "std": std}


def _network(spec: ModelSpec, side: int) -> dict[str, Any]:
    """The part that depends only on the architecture; `side` in pixels."""
    pooled = -(-side // spec.reductions[-1])
    return {
        "input_size": (spec.in_chans, side, side),
        "pool_size": (pooled, pooled),
        "num_classes": spec.num_classes,
        "crop_pct": 1.0,
        "interpolation": "bicubic",
        "first_conv": "conv1",
        "classifier": "fc",
        "paper_ids": f"arXiv:{spec.paper}",
    }
