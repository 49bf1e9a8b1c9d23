"""Optimized networks: the same outputs from fused, rounded and compiled copies, and the same checks."""

import copy
import math
import os
import shutil
import sysconfig
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
import torch._inductor.config
from cases import THIN, lived_in, recompile_limit, small_network
from torch import nn

import resnetzoo
from resnetzoo.inference import forward as passes
from resnetzoo.inference import optimized_net as inference
from resnetzoo.inference.compiled_forward import CompiledForward
from resnetzoo.inference.quantize import compiles_int8
from resnetzoo.utils import compile as compiling
from resnetzoo.utils.device import has_vnni

# What torch compiles with; without it an optimized network runs uncompiled, as one of the tests shows.
COMPILER = shutil.which(os.environ.get("CXX", "g++")) and (Path(sysconfig.get_path("include")) / "Python.h").exists()
needs_compiler = pytest.mark.skipif(not COMPILER, reason="there is no C++ compiler with Python's headers")
needs_vnni = pytest.mark.skipif(not has_vnni(), reason="this CPU has no 8-bit dot products")


def compiled_shapes(optimized: resnetzoo.OptimizedNet) -> int:
    forward = optimized._forward
    assert isinstance(forward, CompiledForward)
    return len(forward.compiled)


def spread(logits: torch.Tensor) -> float:
    return float(logits.detach().std())


@dataclass(frozen=True)
class Compiled:
    """A network of one channel and seven classes, its state before, and its copy compiled for four images."""

    model: resnetzoo.CifarNet
    state: dict[str, torch.Tensor]
    optimized: resnetzoo.OptimizedNet


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    """In training mode when it was optimized."""
    model = lived_in(resnetzoo.ModelSpec("residual", 8, widths=(4, 8, 16), in_chans=1, num_classes=7)).train()
    state = copy.deepcopy(model.state_dict())
    optimized = resnetzoo.optimize(model, precision="fp32", batch_size=4)
    assert compiled_shapes(optimized) == 1
    return Compiled(model, state, optimized)


@needs_compiler
def test_compiled_outputs_in_fp32(compiled: Compiled) -> None:
    images = torch.randn(4, 1, 32, 32)
    with torch.no_grad():
        expected = copy.deepcopy(compiled.model).eval()(images)
    uncompiled = resnetzoo.optimize(compiled.model, precision="fp32", compile=False)
    difference = (compiled.optimized(images) - uncompiled(images)).abs().max()
    assert float(difference) < 1e-4 * spread(expected)
    assert_not_finite_is_not_answered(copy.deepcopy(compiled.model).eval(), compiled.optimized, images)
    large = torch.full((4, 1, 32, 32), 3e35)  # finite, although their sum is not
    assert compiled.optimized(large).isfinite().equal(uncompiled(large).isfinite())


@pytest.mark.parametrize("precision", ["fp32", "bf16", pytest.param("int8", marks=needs_vnni)])
@pytest.mark.parametrize(("name", "value"), [("layer2.0.conv1.weight", math.nan), ("bn1.running_var", -1.0)])
def test_weights_that_are_not_finite_are_refused(
    tiny_data: resnetzoo.Data, precision: str, name: str, value: float
) -> None:
    model = small_network(0)
    model.state_dict()[name][:1] = value
    calibration = tiny_data.train if precision == "int8" else None
    with pytest.raises(resnetzoo.UsageError, match=rf"infinite or NaN.*: {name.split('.')[0].replace('bn', 'conv')}"):
        resnetzoo.optimize(model, precision=precision, compile=False, calibration=calibration)


@pytest.mark.parametrize("synchronized", [False, True])
@pytest.mark.parametrize(("statistic", "value"), [("running_mean", math.nan), ("running_var", -1.0)])
def test_norms_that_stay_and_are_not_finite_are_refused(statistic: str, value: float, synchronized: bool) -> None:
    model = resnetzoo.preresnet(8)
    model = nn.SyncBatchNorm.convert_sync_batchnorm(model) if synchronized else model
    model.state_dict()[f"layer2.0.bn1.{statistic}"][0] = value
    with pytest.raises(resnetzoo.UsageError, match=r"infinite or NaN.*: layer2\.0\.bn1"):
        resnetzoo.optimize(model, precision="fp32", compile=False)


@needs_compiler
def test_compiled_outputs_in_bf16() -> None:
    widths = (4, 8, 16)
    spec = resnetzoo.ModelSpec("preactivation", 11, block="bottleneck", shortcut="projection", widths=widths)
    model = lived_in(spec)
    images = torch.randn(3, 3, 32, 32)
    optimized = resnetzoo.optimize(model, precision="bf16", batch_size=3)
    assert compiled_shapes(optimized) == 1
    uncompiled = resnetzoo.optimize(model, precision="bf16", compile=False)
    difference = (optimized(images) - uncompiled(images)).abs().max()
    assert float(difference) < 0.1 * spread(model(images))


@pytest.fixture(scope="module")
def trained() -> tuple[resnetzoo.CifarNet, resnetzoo.Data]:
    """A network that has learned something: one that has not puts nearly the same logits everywhere."""
    data = resnetzoo.synthetic(seed=0, train_images=1_000, test_images=1_000)
    torch.manual_seed(0)
    model = resnetzoo.CifarNet(resnetzoo.ModelSpec("residual", 8, widths=(8, 16, 32)))
    recipe = replace(resnetzoo.recipes.SMOKE, name="SHORT", steps=200, crop_padding=0)
    resnetzoo.fit(model, data, recipe, device="cpu", progress=False)
    return model, data


@pytest.mark.slow
@needs_compiler
def test_a_trained_network_agrees(trained: tuple[resnetzoo.CifarNet, resnetzoo.Data]) -> None:
    model, data = trained
    optimized = resnetzoo.optimize(model, precision="bf16", batch_size=128)
    found = resnetzoo.agreement(model, optimized, data.test)
    assert found.n == 1_000
    assert found.top1 >= 98  # after so few steps it is undecided on some images; a trained resnet20 reaches 99.8
    assert found.max_logit_difference < 1
    error = resnetzoo.evaluate(model, data.test).error
    assert resnetzoo.evaluate(optimized, data.test).error == pytest.approx(error, abs=1)


@needs_vnni
def test_a_trained_network_agrees_in_int8(trained: tuple[resnetzoo.CifarNet, resnetzoo.Data]) -> None:
    model, data = trained
    optimized = resnetzoo.optimize(model, precision="int8", compile=False, calibration=data.train)
    found = resnetzoo.agreement(model, optimized, data.test)
    assert found.top1 >= 97
    assert found.max_logit_difference < 2


@needs_vnni
def test_int8_refuses_group_norm_and_says_what_runs_it(tiny_data: resnetzoo.Data) -> None:
    model = lived_in(THIN["group norm"])
    with pytest.raises(resnetzoo.UsageError, match=r'group norm is computed for each image.* use precision="bf16" or'):
        resnetzoo.optimize(model, precision="int8", compile=False, calibration=tiny_data.train)


@needs_compiler
@needs_vnni
@pytest.mark.skipif(not compiles_int8(), reason="this torch cannot compile 8-bit convolutions")
def test_int8_compiled_is_int8_uncompiled(tiny_data: resnetzoo.Data) -> None:
    model = lived_in(resnetzoo.ModelSpec("residual", 11, block="bottleneck", shortcut="projection"))
    images = torch.randn(2, 3, 32, 32)
    one, other = (
        resnetzoo.optimize(model, precision="int8", batch_size=2, compile=compile_it, calibration=tiny_data.train)
        for compile_it in (True, False)
    )
    torch.testing.assert_close(one(images), other(images), rtol=0, atol=0.02 * spread(other(images)))
    assert_not_finite_is_not_answered(model.eval(), one, images)


@needs_vnni
@pytest.mark.parametrize("name", ["resnet8", "plainnet20"])
def test_int8_does_not_answer_what_is_not_finite(name: str, tiny_data: resnetzoo.Data) -> None:
    model = lived_in(resnetzoo.get_spec(name)).eval()
    with torch.no_grad():
        model.fc.weight[3], model.fc.bias[3] = 0.0, -0.0  # type: ignore[union-attr, operator, index]
    optimized = resnetzoo.optimize(model, precision="int8", compile=False, calibration=tiny_data.train)
    assert_not_finite_is_not_answered(model, optimized, torch.randn(2, 3, 32, 32))
    int8 = optimized._network
    kept: list[torch.Tensor] = []
    int8.fc.register_forward_hook(lambda module, inputs, output: kept.append(output))  # type: ignore[union-attr]
    for images in (torch.randn(4, 3, 32, 32), -1e30 * torch.rand(4, 3, 32, 32), torch.zeros(4, 3, 32, 32)):
        found = optimized(images)
        assert torch.equal(found.view(torch.int32), kept.pop().view(torch.int32))  # to the bit, also of -0.0


def assert_not_finite_is_not_answered(
    model: resnetzoo.CifarNet, optimized: resnetzoo.OptimizedNet, images: torch.Tensor
) -> None:
    """Only the image with such a value is not answered, as by the network itself."""
    expected = optimized(images)
    for value in (torch.nan, torch.inf, -torch.inf):
        broken = images.clone()
        broken[0, -1, 5, 7] = value
        found = optimized(broken)
        with torch.no_grad():
            assert model(broken)[0].isnan().all()
        assert found[0].isnan().all()
        assert torch.equal(found[1:], expected[1:])


@needs_vnni
def test_int8_where_torch_cannot_compile_it(
    tiny_model: resnetzoo.CifarNet, tiny_data: resnetzoo.Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inference, "compiles_int8", lambda: False)
    with pytest.warns(UserWarning, match=r"runs uncompiled.* cannot compile 8-bit .*torch 2\.7 or newer"):
        slow = resnetzoo.optimize(tiny_model, precision="int8", calibration=tiny_data.train)
    images = torch.randn(2, 3, 32, 32)
    same = resnetzoo.optimize(tiny_model, precision="int8", calibration=tiny_data.train, compile=False)  # no warning
    assert torch.equal(slow(images), same(images))


def test_int8_says_what_it_needs(
    tiny_model: resnetzoo.CifarNet, tiny_data: resnetzoo.Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inference, "has_vnni", lambda: True)
    with pytest.raises(resnetzoo.UsageError, match=r"needs calibration=\.\.\., images like those it will be used on"):
        resnetzoo.optimize(tiny_model, precision="int8")
    with pytest.raises(
        resnetzoo.UsageError, match='calibration is only for precision="int8", not "bf16": leave it out'
    ):
        resnetzoo.optimize(tiny_model, precision="bf16", calibration=tiny_data.train)
    preactivation = resnetzoo.CifarNet(resnetzoo.ModelSpec("preactivation", 8))
    with pytest.raises(resnetzoo.UsageError, match="int8 is for plain and residual networks"):
        resnetzoo.optimize(preactivation, precision="int8")  # which no calibration changes
    other = copy.deepcopy(tiny_model)
    other.layer1[0].relu1 = nn.GELU()
    with pytest.raises(resnetzoo.UsageError, match=r"but layer1\.0\.relu1 is of the class GELU: use precision="):
        resnetzoo.optimize(other, precision="int8", calibration=tiny_data.train)
    monkeypatch.setattr(inference, "has_vnni", lambda: False)
    with pytest.raises(resnetzoo.UsageError, match="needs a CPU with 8-bit dot products"):
        resnetzoo.optimize(tiny_model, precision="int8", calibration=tiny_data.train)


@needs_compiler
def test_the_model_is_left_as_it_was(compiled: Compiled) -> None:
    compiled.optimized(torch.randn(2, 1, 32, 32))
    model = compiled.model
    assert model.training
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert all(torch.equal(value, compiled.state[key]) for key, value in model.state_dict().items())
    assert compiled.optimized.spec == model.spec
    assert (compiled.optimized.num_classes, compiled.optimized.in_chans) == (7, 1)


@pytest.mark.parametrize("compile_it", [False, True], ids=["uncompiled", "compiled"])
def test_the_checks_of_the_input_stay(tiny_model: resnetzoo.CifarNet, compile_it: bool) -> None:
    optimized = resnetzoo.optimize(tiny_model, compile=compile_it)
    for images, message in [
        (torch.zeros(3, 32, 32), r"shape \(N, 3, H, W\), found \[3, 32, 32\]"),
        (torch.zeros(2, 1, 32, 32), r"found \[2, 1, 32, 32\]"),
        (torch.zeros(2, 3, 0, 32), "at least one pixel"),
        (torch.zeros(2, 3, 32, 32, dtype=torch.uint8), "found torch.uint8"),
        (
            torch.zeros(2, 3, 32, 32, device="meta"),
            r'expected images on cpu, found them on meta; use images.to\("cpu"\)',
        ),
    ]:
        with pytest.raises(ValueError, match=message):
            optimized(images)


@needs_compiler
@pytest.mark.slow
def test_only_so_many_shapes_are_compiled_for_any_float_type_layout_and_mode(
    tiny_model: resnetzoo.CifarNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes, "MAX_SHAPES", 2)
    optimized = resnetzoo.optimize(tiny_model, precision="fp32")
    images = torch.randn(5, 3, 32, 32)
    with torch.no_grad():
        expected = tiny_model.eval()(images)

    two = images[:2].clone()
    logits = optimized(two)
    assert logits.dtype == torch.float32
    assert not logits.requires_grad
    torch.testing.assert_close(logits, expected[:2], rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(optimized(two.double()), logits)
    torch.testing.assert_close(optimized(two.contiguous(memory_format=torch.channels_last)), logits)
    torch.testing.assert_close(optimized(two.clone().requires_grad_()), logits)
    with torch.inference_mode():
        torch.testing.assert_close(optimized(two.clone()), logits)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(optimized(two), logits)
    assert compiled_shapes(optimized) == 1

    for count in (1, 2, 3, 4, 5):
        torch.testing.assert_close(optimized(images[:count]), expected[:count], rtol=1e-3, atol=1e-4)
    assert compiled_shapes(optimized) == 2


@needs_compiler
def test_batches_of_any_size(compiled: Compiled) -> None:
    images = torch.randn(11, 1, 32, 32)
    with torch.no_grad():
        expected = copy.deepcopy(compiled.model).eval()(images)
    for count in (0, 1, 3, 4, 5, 8, 11):
        torch.testing.assert_close(compiled.optimized(images[:count]), expected[:count], rtol=1e-3, atol=1e-4)
    assert compiled_shapes(compiled.optimized) == 1
    assert compiled.optimized(torch.randn(2, 1, 9, 40)).shape == (2, 7)


@needs_compiler
@pytest.mark.slow
def test_many_networks_in_one_process() -> None:
    """Each has compiled code of its own, and more of them than torch's limit for one function are no matter."""
    inputs = torch.randn(1, 4)
    networks = [nn.Linear(4, 2).requires_grad_(False) for _ in range(3)]
    with recompile_limit(2), torch.no_grad():
        forwards = [compiling.compile_for(inputs, network, freeze=True) for network in networks]
        for network, forward in zip(networks, forwards, strict=True):
            assert forward
            torch.testing.assert_close(forward(inputs), network(inputs))


def test_without_a_compiler_it_warns_and_runs(tiny_model: resnetzoo.CifarNet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    images = torch.randn(2, 3, 32, 32)
    optimized = resnetzoo.optimize(tiny_model, precision="fp32")
    with torch._inductor.config.patch({"cpp.cxx": ("no-such-compiler",)}):
        with pytest.warns(UserWarning, match=r"runs uncompiled.*install a C\+\+ compiler.*compile=False"):
            logits = optimized(images)
        optimized(images[:1])  # warned once, it does not try again: another warning would be an error here
    with torch.no_grad():
        torch.testing.assert_close(logits, tiny_model.eval()(images), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"precision": "fp16"}, 'precision must be auto, fp32, bf16 or int8, not "fp16"'),
        ({"compile": 0}, "compile must be True, False or None, not 0"),
        ({"compile": "yes"}, "compile must be True, False or None, not 'yes'"),
        ({"batch_size": 0}, "batch_size must be a whole number from 1, not 0"),
        ({"batch_size": 2.0}, "batch_size must be a whole number from 1, not 2.0"),
    ],
)
def test_choices_that_cannot_be_meant(tiny_model: resnetzoo.CifarNet, choices: dict[str, object], message: str) -> None:
    with pytest.raises(resnetzoo.UsageError, match=message):
        resnetzoo.optimize(tiny_model, **choices)  # type: ignore[arg-type]


def test_other_models_are_refused() -> None:
    with pytest.raises(resnetzoo.UsageError, match=r"optimize takes a network of resnetzoo.*not Linear"):
        resnetzoo.optimize(nn.Linear(3, 3))


def test_it_stays_as_it_was_made(tiny_model: resnetzoo.CifarNet) -> None:
    optimized = resnetzoo.optimize(tiny_model, precision="fp32", compile=False)
    assert not optimized.training
    assert optimized.eval().to("cpu").float() is optimized
    with pytest.raises(resnetzoo.UsageError, match="is for inference only"):
        optimized.train()
    with pytest.raises(resnetzoo.UsageError, match="stays in fp32 on cpu"):
        optimized.bfloat16()
    with pytest.raises(resnetzoo.UsageError, match="load them into the original model"):
        optimized.load_state_dict(optimized.state_dict())
