"""What is no network, and networks with quantized layers, at every entry that takes a network."""

import copy
import warnings
from pathlib import Path

import pytest
import torch
from test_wrapped import DATA, DATA_INPUTS, ENTRIES, network
from torch import nn

import resnetzoo


@pytest.mark.parametrize(
    "what",
    ["resnet20", None, {}, resnetzoo.CifarNet, torch.relu],
    ids=["name", "nothing", "state", "class", "function"],
)
@pytest.mark.parametrize("entry", ENTRIES)
def test_what_is_no_network_is_refused(entry: str, what: object, tmp_path: Path) -> None:
    with pytest.raises(resnetzoo.UsageError, match=r"expected a network, an nn\.Module as create and"):
        ENTRIES[entry](what, tmp_path)  # type: ignore[arg-type]


def test_quantized_layers_are_called_or_refused(tmp_path: Path) -> None:
    """Their state dicts hold values that are no tensors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch advises torchao
        model = torch.ao.quantization.quantize_dynamic(network(), {nn.Linear}, dtype=torch.qint8)
    expected = resnetzoo.evaluate(model, DATA.test)
    assert expected.n == len(DATA.test)
    optimized = resnetzoo.optimize(model, precision="fp32", compile=False)
    with torch.no_grad():
        torch.testing.assert_close(optimized(DATA_INPUTS), model(DATA_INPUTS), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(copy.deepcopy(model)(DATA_INPUTS), model(DATA_INPUTS))
    for keep in (
        lambda: resnetzoo.save_weights(model, tmp_path / "a.safetensors"),
        lambda: resnetzoo.export_program(model, tmp_path / "a.pt2"),
    ):
        with pytest.raises(resnetzoo.UsageError, match=r"no longer a whole resnet8"):
            keep()
