"""The ways to carry out a step, each held against the plain loop: summed batch norm, compiled, recorded."""

import copy
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
import torch._inductor.config
from cases import recompile_limit, small_network
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's standard name)

import resnetzoo
from resnetzoo.training.batchnorm import SummedBatchNorm2d, with_summed_batchnorm
from resnetzoo.training.opening import make_loader
from resnetzoo.training.recipes import lr_at
from resnetzoo.training.strategies.compiled import REPAID_BY_IMAGES, compile_loss, compiling_pays
from resnetzoo.training.strategies.eager import LossFn, make_loss
from resnetzoo.utils.compile import warnings_of_torch_ignored, with_own_code
from resnetzoo.utils.device import Precision

CPU = torch.device("cpu")


@pytest.mark.cuda
def test_a_cuda_graph_trains_as_the_cpu_does(tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe) -> None:
    """Past the warm-up, at each rate, with the smaller batch of each epoch's end between replays."""
    recipe = replace(tiny_recipe, batch_size=10, steps=20, lr=0.01)
    recorded, plain = (
        resnetzoo.fit(small_network(0), tiny_data, recipe, precision="fp32", device=device, progress=False)
        for device in ("cuda", "cpu")
    )
    assert recorded.execution == "recorded"
    for one, two in zip(recorded.epochs, plain.epochs, strict=True):
        assert one.train_loss == pytest.approx(two.train_loss, rel=2e-2)
        assert one.lr == two.lr
    assert recorded.model.bn1.num_batches_tracked == 20


@settings(max_examples=25, deadline=None)
@given(
    shape=st.tuples(st.integers(2, 9), st.integers(1, 5), st.integers(1, 7), st.integers(1, 7)),
    offset=st.floats(-30, 30),
    seed=st.integers(0, 1_000),
)
def test_summed_batch_norm_is_batch_norm(shape: tuple[int, int, int, int], offset: float, seed: int) -> None:
    """Output, gradients and running statistics against torch's own, far from zero too."""
    torch.manual_seed(seed)
    usual = nn.BatchNorm2d(shape[1], dtype=torch.float32)
    nn.init.uniform_(usual.weight, 0.5, 2)
    usual.running_mean.fill_(offset)
    twin = with_summed_batchnorm(usual_net := nn.Sequential(copy.deepcopy(usual)))
    assert isinstance(twin[0], SummedBatchNorm2d)
    assert twin[0].weight is usual_net[0].weight
    x = torch.randn(shape) + offset
    grad = torch.randn(shape)
    first, second = x.clone().requires_grad_(), x.clone().requires_grad_()
    one, two = usual(first), twin(second)
    torch.testing.assert_close(two, one, rtol=1e-3, atol=2e-3)
    one.backward(grad)
    two.backward(grad)
    torch.testing.assert_close(twin[0].weight.grad, usual.weight.grad, rtol=1e-2, atol=1e-2)
    torch.testing.assert_close(twin[0].bias.grad, usual.bias.grad, rtol=1e-4, atol=1e-4)
    for name, buffer in usual.named_buffers():
        torch.testing.assert_close(usual_net[0].get_buffer(name), buffer, rtol=1e-3, atol=1e-3)
    usual.eval(), twin.eval()
    torch.testing.assert_close(twin(x), usual(x), rtol=1e-3, atol=1e-3)


def test_the_gradient_of_summed_batch_norm_is_its_slope() -> None:
    norm = with_summed_batchnorm(nn.BatchNorm2d(3).double())
    x = torch.randn(4, 3, 2, 2, dtype=torch.float64)
    assert torch.autograd.gradcheck(norm, (x.requires_grad_(),))


def test_norms_of_other_kinds_stay() -> None:
    kinds = [nn.BatchNorm2d(2, affine=False), nn.BatchNorm2d(2, momentum=None), nn.GroupNorm(1, 2)]
    kinds.append(nn.BatchNorm2d(2, track_running_stats=False))
    twin = with_summed_batchnorm(nn.Sequential(*kinds))
    assert [type(module) for module in twin] == [type(module) for module in kinds]


@pytest.mark.parametrize("family", ["plain", "residual", "preactivation"])
@pytest.mark.slow
def test_the_fast_path_follows_the_plain_one_for_50_steps(family: str) -> None:
    """The loss of each step, from the same seed.

    In fp64, since training amplifies rounding: in fp32 two layouts of the same eager network part as far.
    """
    fast, plain = (_fifty_losses(family, torch.float64, 0.1, fast) for fast in (True, False))
    assert max(abs(one - two) for one, two in zip(fast, plain, strict=True)) < 1e-6
    assert plain[-1] < plain[0]


def fifty_steps(lr: float) -> tuple[resnetzoo.Data, resnetzoo.Recipe]:
    """One epoch: 800 images in batches of 16."""
    cycle = resnetzoo.recipes.OneCycle()
    recipe = resnetzoo.Recipe("FIFTY", 50, None, lr, cycle, batch_size=16, weight_decay=0.0, clip_norm=1.0)
    return resnetzoo.synthetic(seed=1, train_images=800, test_images=20), recipe


def _fifty_losses(family: str, dtype: torch.dtype, lr: float, fast: bool) -> list[float]:
    data, recipe = fifty_steps(lr)
    torch.manual_seed(0)
    model = resnetzoo.CifarNet(resnetzoo.ModelSpec(family, 8, widths=(4, 8, 16))).to(dtype).train()  # type: ignore[arg-type]
    loss_fn = make_loss(with_summed_batchnorm(model) if fast else model, recipe, CPU, "fp32")
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.9, fused=True)
    loader = make_loader(data, recipe, CPU)
    cut = loader.batch(loader.augmentation(seed=0, epoch=0), slice(0, 800))
    losses = []
    for number in range(50):
        images, labels = (part[number * 16 : number * 16 + 16] for part in cut)
        optimizer.param_groups[0]["lr"] = lr_at(recipe, number)
        loss, _ = loss_fn(images.to(dtype), labels)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


class Losses(resnetzoo.Callback):
    """The mean loss of each step of one epoch."""

    def __init__(self) -> None:
        self._sums = [0.0]

    def on_step_end(self, trainer: resnetzoo.TrainerState) -> None:
        self._sums.append(float(trainer.metrics.loss))

    def means(self, batch_size: int) -> list[float]:
        return [(after - before) / batch_size for before, after in pairwise(self._sums)]


@pytest.mark.slow
def test_a_compiled_run_is_compiled_and_says_so_and_follows_the_plain_loop_in_fp32(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, recipe = fifty_steps(lr=0.001)
    losses = Losses()
    run = resnetzoo.fit(
        small_network(0),
        data,
        recipe,
        precision="fp32",
        device="cpu",
        compile=True,
        out=tmp_path,
        callbacks=[losses],
    )
    assert run.execution == "compiled"
    said = capsys.readouterr().out
    assert "step compiled: compiling pays from some 150,000 images on, and this run learns from 800" in said
    plain = _fifty_losses("residual", torch.float32, 0.001, fast=False)
    assert max(abs(one - two) for one, two in zip(losses.means(16), plain, strict=True)) < 1e-3
    eager = resnetzoo.fit(small_network(0), data, recipe, precision="fp32", device="cpu", progress=False)
    assert eager.execution == "eager"
    assert run.epochs[-1].train_loss == pytest.approx(eager.epochs[-1].train_loss, rel=1e-3)
    assert run.epochs[-1].test_loss == pytest.approx(eager.epochs[-1].test_loss, rel=1e-2)
    assert "step eager" not in said


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.slow
def test_gradients_come_through_the_compiler(precision: Precision) -> None:
    """Traced alone, without code made of it: each release of torch has a tracer of its own."""
    model = small_network(0).train()
    images, labels = torch.randn(4, 3, 8, 8), torch.arange(4)
    loss_fn = make_loss(with_summed_batchnorm(model), resnetzoo.recipes.SMOKE, CPU, precision)

    def gradients(loss_fn: LossFn) -> list[Tensor]:
        loss, _ = loss_fn(images, labels)
        return list(torch.autograd.grad(loss, list(model.parameters())))

    with warnings_of_torch_ignored():
        traced = gradients(torch.compile(with_own_code(loss_fn), dynamic=False, backend="aot_eager"))
    for one, two in zip(traced, gradients(loss_fn), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-2, atol=1e-3)
        assert two.any()


def test_the_length_of_a_run_decides() -> None:
    assert not compiling_pays(CPU, REPAID_BY_IMAGES - 1)
    assert compiling_pays(CPU, REPAID_BY_IMAGES)
    assert not compiling_pays(torch.device("cuda"), 10**9)


def test_many_compiled_networks_in_one_process() -> None:
    """More than torch keeps for one piece of code; each stays compiled."""

    def loss_of_scaled(factor: float) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
        layer = nn.Linear(2, 2)
        nn.init.constant_(layer.weight, factor)
        nn.init.zeros_(layer.bias)
        return make_loss(layer, resnetzoo.recipes.SMOKE, CPU, "fp32")

    before = torch._dynamo.utils.counters["frames"]["ok"]
    images, labels = torch.eye(2), torch.tensor([0, 1])
    with recompile_limit(2):
        for number in range(4):
            loss_fn = loss_of_scaled(float(number))
            torch.testing.assert_close(
                compile_loss(loss_fn, CPU, torch.channels_last)(images, labels), loss_fn(images, labels)
            )
    assert torch._dynamo.utils.counters["frames"]["ok"] - before == 4


@pytest.mark.slow
def test_without_a_compiler_training_goes_on(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))  # nothing is there that was compiled before
    with (
        torch._inductor.config.patch({"cpp.cxx": ("no-such-compiler",)}),
        pytest.warns(UserWarning, match="training continues uncompiled"),
    ):
        run = resnetzoo.fit(small_network(0), tiny_data, tiny_recipe, compile=True, device="cpu", progress=False)
    assert len(run.epochs) == 2


def test_a_step_does_not_touch_what_is_compared() -> None:
    """`F.cross_entropy` by hand, so that the loss of the tests above means what it says."""
    model = nn.Linear(3, 4)
    images, labels = torch.randn(5, 3), torch.tensor([0, 1, 2, 3, 0])
    loss, logits = make_loss(model, resnetzoo.recipes.SMOKE, CPU, "fp32")(images, labels)
    assert torch.equal(logits, model(images))
    torch.testing.assert_close(loss, F.nll_loss(logits.log_softmax(1), labels))
