"""The memory format of training: channels-last, but not where oneDNN would write outside of its memory."""

from dataclasses import replace

import pytest
import torch
from cases import ALL, TINY_RECIPE, TWINS
from marks import slow_if_in
from torch import Tensor, nn

import resnetzoo
from resnetzoo.analysis import gradient_norms
from resnetzoo.utils.layout import training_layout

CPU = torch.device("cpu")
PROJECTIONS = TWINS["resnet18"]  # 4 channels into a projection of stride 2


@pytest.mark.parametrize("name", ALL)
def test_every_registered_network_is_trained_channels_last(name: str) -> None:
    with torch.device("meta"):
        model = resnetzoo.CifarNet(resnetzoo.get_spec(name))
    assert training_layout(model, CPU) == torch.channels_last


@pytest.mark.parametrize(
    ("channels", "kernel", "stride", "layout"),
    [
        (7, 1, 2, torch.contiguous_format),
        (8, 1, 2, torch.channels_last),
        (7, 3, 2, torch.channels_last),
        (7, 1, 1, torch.channels_last),
    ],
)
def test_thin_projections_with_a_stride_are_unsafe_on_a_cpu(
    channels: int, kernel: int, stride: int, layout: torch.memory_format
) -> None:
    model = nn.Sequential(nn.Conv2d(channels, 16, kernel, stride))
    assert training_layout(model, CPU) == layout
    assert training_layout(model, torch.device("cuda")) == torch.channels_last


@pytest.mark.parametrize("compiled", slow_if_in([True], [False, True]), ids=["eager", "compiled"])
def test_a_thin_network_learns(compiled: bool, tiny_data: resnetzoo.Data) -> None:
    """On a CPU without AVX-512 the process crashes in the first steps if a layer gets channels-last images."""
    model = resnetzoo.CifarNet(PROJECTIONS)
    formats = set()

    def note(layer: nn.Module, inputs: tuple[Tensor]) -> None:
        if layer.training:  # the test pass has no gradients
            formats.add(inputs[0].is_contiguous())

    if not compiled:
        model.layer1.register_forward_pre_hook(note)
    recipe = replace(TINY_RECIPE, steps=12)
    run = resnetzoo.fit(model, tiny_data, recipe, device="cpu", precision="fp32", compile=compiled, progress=False)
    assert run.execution == ("compiled" if compiled else "eager")
    assert formats == (set() if compiled else {True})
    assert all(torch.isfinite(weight).all() for weight in model.parameters())


def test_gradients_of_a_thin_network_are_those_of_float64(tiny_data: resnetzoo.Data) -> None:
    model = resnetzoo.CifarNet(PROJECTIONS).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    batch = tiny_data.train.select(slice(16))
    found = gradient_norms(model, batch).values
    assert found == pytest.approx(gradient_norms(model.double(), batch).values, rel=1e-3)
