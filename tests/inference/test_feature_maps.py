"""Networks that return feature maps, or pool them to more than one value, are optimized or refused."""

from collections.abc import Callable

import pytest
import torch
from cases import lived_in
from test_inference import needs_compiler
from torch import nn

import resnetzoo
from resnetzoo.inference.not_finite import not_finite_stays
from resnetzoo.interop.timm import TimmCifarNet

SPEC = resnetzoo.ModelSpec("residual", 8, widths=(4, 8, 16))


def _feature_maps() -> resnetzoo.CifarNet:
    model = TimmCifarNet(SPEC)
    model.load_state_dict(lived_in(SPEC).state_dict())
    model.reset_classifier(0, "")
    return model


def _four_values_per_channel(fc: nn.Module) -> resnetzoo.CifarNet:
    model = lived_in(SPEC)
    model.avgpool.output_size = 2
    model.fc = fc
    return model


def _two_stages() -> resnetzoo.CifarNet:
    model = lived_in(SPEC)
    model.stage_names, model.fc = model.stage_names[:2], nn.Identity()
    return model


OTHERS: dict[str, tuple[Callable[[], resnetzoo.CifarNet], tuple[int, ...], str]] = {
    "feature maps": (_feature_maps, (16, 8, 8), r'the network returns feature maps \(global_pool=""\)'),
    "four values": (lambda: _four_values_per_channel(nn.Identity()), (64,), "avgpool has output_size 2, not 1"),
    "their classifier": (lambda: _four_values_per_channel(nn.Linear(64, 7)), (7,), "avgpool has output_size 2, not 1"),
    "two stages": (_two_stages, (8,), r"the network has stage_names \['layer1', 'layer2'\], not"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_the_outputs_are_the_networks_or_int8_refuses_it(kind: str, tiny_data: resnetzoo.Data) -> None:
    build, shape, message = OTHERS[kind]
    model, images = build().eval(), torch.randn(3, 3, 32, 32)
    found = resnetzoo.optimize(model, precision="fp32", compile=False)(images)
    assert found.shape == (3, *shape)
    with torch.no_grad():
        torch.testing.assert_close(found, model(images), rtol=1e-4, atol=1e-4)
    with pytest.raises(resnetzoo.UsageError, match=f"but {message}.*: use precision="):
        resnetzoo.optimize(model, precision="int8", compile=False, calibration=tiny_data.train)


@needs_compiler
@pytest.mark.parametrize("kind", ["feature maps", "four values"])
def test_compiled_only_the_image_that_is_not_finite_is_not_answered(kind: str) -> None:
    """As many images as the maps have rows, and another number, for which a shape would not fit."""
    model = OTHERS[kind][0]().eval()
    optimized = resnetzoo.optimize(model, precision="fp32")
    for count in (8, 3):
        images = torch.randn(count, 3, 32, 32)
        expected = optimized(images)
        images[0] = torch.nan
        found = optimized(images)
        assert found[0].isnan().all()
        assert torch.equal(found[1:], expected[1:])


@pytest.mark.parametrize("shape", [(3,), (3, 2), (3, 3, 3), (3, 2, 3, 3), (3, 1, 2, 3, 3)])
def test_outputs_of_any_number_of_dimensions(shape: tuple[int, ...]) -> None:
    outputs, images = torch.randn(shape), torch.randn(3, 1, 2, 2)
    assert torch.equal(not_finite_stays(outputs, images), outputs)
    images[1, 0, 1, 1] = torch.nan
    found = not_finite_stays(outputs, images)
    assert found.shape == shape
    assert found[1].isnan().all()
    assert torch.equal(found[::2], outputs[::2])


def test_agreement_is_of_logits(tiny_data: resnetzoo.Data) -> None:
    model = _feature_maps()
    with pytest.raises(
        resnetzoo.UsageError, match=r"returns torch.float32 of \[20, 16, 8, 8\], not logits of \[20, 10\]"
    ):
        resnetzoo.agreement(model, model, tiny_data.test)
