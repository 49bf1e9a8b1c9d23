"""Networks as other libraries build and name them, for tests of loading."""

import warnings
from pathlib import Path

import torch
from torch import nn

import resnetzoo
from resnetzoo import ModelSpec

IMAGES = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def with_lived_in_norms(network: nn.Module) -> nn.Module:
    """Norms that differ from each other, as after training, so that none can be lost or swapped unseen."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight.data, module.running_var):
                tensor.uniform_(0.8, 1.2)
            for tensor in (module.bias.data, module.running_mean):
                tensor.normal_(std=0.1)
    return network.eval()


def ours(spec: ModelSpec) -> resnetzoo.CifarNet:
    model = resnetzoo.CifarNet(spec)
    with_lived_in_norms(model)
    return model


def load(path: Path, **choices: object) -> resnetzoo.CifarNet:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return resnetzoo.load_checkpoint(path, **choices)  # type: ignore[arg-type]


def assert_same_logits(model: nn.Module, peer: nn.Module) -> None:
    with torch.inference_mode():
        expected = peer(IMAGES)
        torch.testing.assert_close(model(IMAGES), expected, rtol=0, atol=1e-4 * float(expected.abs().max()))
