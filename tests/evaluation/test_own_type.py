"""Networks in half and double precision: measured and compared in their own type."""

import copy

import pytest
import torch
from marks import slow_if_in

import resnetzoo

TYPES = [torch.float16, torch.bfloat16, torch.float64]


@pytest.fixture
def trained() -> resnetzoo.CifarNet:
    model = resnetzoo.create("resnet20", weights=True).eval()
    model.classes = None  # others than those of the images here
    return model


@pytest.fixture
def images() -> resnetzoo.ImageSet:
    return resnetzoo.synthetic(seed=0, train_images=10, test_images=12).test


@pytest.mark.parametrize("dtype", slow_if_in([torch.float16], TYPES), ids=str)
def test_evaluation_is_in_the_networks_own_type(
    trained: resnetzoo.CifarNet, images: resnetzoo.ImageSet, dtype: torch.dtype
) -> None:
    cast = copy.deepcopy(trained).to(dtype)
    with torch.no_grad():
        logits = cast(trained.normalization(images.images).to(dtype))
    assert logits.dtype == dtype
    found = resnetzoo.evaluate(cast, images)
    assert resnetzoo.evaluate(cast, images, precision="bf16") == found  # which is for networks in fp32
    assert found.error == pytest.approx(100 * float((logits.argmax(1) != images.labels).double().mean()))
    expected_loss = -logits.double().log_softmax(1)[range(len(images)), images.labels].mean()
    assert found.loss == pytest.approx(float(expected_loss), rel=0.01)  # bf16 has 8 bits


@pytest.mark.parametrize("dtype", slow_if_in([torch.float16], TYPES), ids=str)
def test_agreement_compares_each_in_its_own_type(
    trained: resnetzoo.CifarNet, images: resnetzoo.ImageSet, dtype: torch.dtype
) -> None:
    cast = copy.deepcopy(trained).to(dtype)
    inputs = trained.normalization(images.images)
    with torch.no_grad():
        difference = (trained(inputs) - cast(inputs.to(dtype)).float()).abs().max()
    for found in (resnetzoo.agreement(trained, cast, images), resnetzoo.agreement(cast, trained, images)):
        assert found.max_logit_difference == pytest.approx(float(difference), rel=1e-3, abs=1e-4)
        assert found.top1 > 90


@pytest.mark.parametrize("dtype", slow_if_in([torch.float16], TYPES), ids=str)
def test_pixels_are_answered_in_the_networks_own_type(
    trained: resnetzoo.CifarNet, images: resnetzoo.ImageSet, dtype: torch.dtype
) -> None:
    cast = copy.deepcopy(trained).to(dtype)
    pixels = images.images[:8]
    assert cast.preprocess(pixels).dtype == dtype
    with torch.no_grad():
        logits = cast(cast.preprocess(pixels))
        before = resnetzoo.WithPreprocessing(cast)
        after = resnetzoo.WithPreprocessing(copy.deepcopy(trained)).to(dtype)
        for both in (before, after):
            found = both(pixels.permute(0, 2, 3, 1))
            assert found.dtype == torch.promote_types(dtype, torch.float32)
            torch.testing.assert_close(found, logits.to(found.dtype).softmax(1), rtol=0, atol=1e-5)
    optimized = resnetzoo.optimize(cast, precision="fp32", compile=False)
    assert resnetzoo.agreement(cast, optimized, images).top1 > 90
