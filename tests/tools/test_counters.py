"""What torchinfo and fvcore count, by hooks and by tracing, against `complexity`, which is a formula."""

import warnings

import pytest
import torch
from cases import PARAMS, lived_in

import resnetzoo

NAMES = ["plainnet20", "resnet20", "resnet56", "resnet164", "preresnet20", "preresnet164"]


@pytest.mark.parametrize("name", NAMES)
def test_torchinfo_counts_what_complexity_counts(name: str) -> None:
    torchinfo = pytest.importorskip("torchinfo", reason="torchinfo is not installed")
    model = resnetzoo.create(name).eval()
    summary = torchinfo.summary(model, input_size=(2, 3, 32, 32), verbose=0)
    assert summary.total_params == summary.trainable_params == PARAMS[name]
    layers = [info for info in summary.summary_list if info.class_name in ("Conv2d", "Linear")]
    cost = resnetzoo.complexity(name)
    biases = 2 * 10  # torchinfo counts the classifier's bias, an addition for each of two images
    assert sum(info.macs for info in layers) == 2 * cost.macs + biases
    activations = [info for info in summary.summary_list if info.class_name == "ReLU"]
    assert len(activations) == model.spec.depth - 1
    assert len({info.layer_id for info in activations}) == len(activations)


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("name", NAMES)
def test_fvcore_counts_what_complexity_counts(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch.jit, at its import
        nn = pytest.importorskip("fvcore.nn", reason="fvcore is not installed")
    model = lived_in(resnetzoo.get_spec(name))
    counted = nn.FlopCountAnalysis(model, torch.randn(1, 3, 32, 32)).unsupported_ops_warnings(False)
    by_operator = counted.by_operator()
    assert by_operator["conv"] + by_operator["linear"] == resnetzoo.complexity(name).macs
    assert nn.parameter_count(model)[""] == PARAMS[name]
