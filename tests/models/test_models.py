"""Networks with other choices, sizes, shapes and seeds than their names have."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from cases import PROJECTION_PARAMS, SHORTCUTS, TWINS, lived_in
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import resnetzoo
from resnetzoo.models.cifar_net import without_values
from resnetzoo.models.spec import Shortcut


def on_meta(name: str, **choices: object) -> resnetzoo.CifarNet:
    """The network without memory for its weights."""
    with torch.device("meta"):
        return resnetzoo.create(name, **choices)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("twin", "shortcut"),
    [
        (twin, shortcut)
        for twin in dict.fromkeys(TWINS.values())
        for shortcut in (SHORTCUTS if twin.has_shortcuts else SHORTCUTS[:1])
        if shortcut != "identity" or twin.stem.out_chans <= twin.stages[0].out_chans
    ],
    ids=lambda choice: getattr(choice, "label", choice),
)
def test_costs_hold_for_other_choices(twin: resnetzoo.ModelSpec, shortcut: Shortcut) -> None:
    model = without_values(replace(twin, num_classes=42, in_chans=1, shortcut=shortcut)).eval()
    cost = resnetzoo.complexity(model.spec, input_size=17)
    assert cost.params == sum(parameter.numel() for parameter in model.parameters())
    with FlopCounterMode(display=False) as counter:
        model(torch.empty(1, 1, 17, 17, device="meta"))
    assert 2 * cost.macs == counter.get_total_flops()


@pytest.mark.parametrize("depth", [20, 32, 44, 56, 110])
def test_plain_and_residual_share_keys_and_shapes(depth: int) -> None:
    plain, residual = on_meta(f"plainnet{depth}").state_dict(), on_meta(f"resnet{depth}").state_dict()
    assert {key: value.shape for key, value in plain.items()} == {key: value.shape for key, value in residual.items()}


def test_a_classifier_cannot_have_less_than_no_class() -> None:
    with pytest.raises(resnetzoo.UsageError, match="num_classes must be a whole number from 1, not -1"):
        resnetzoo.create("resnet20").reset_classifier(-1)


def test_a_fresh_classifier_is_where_the_network_is() -> None:
    """Also behind a stem in a sequence, and where torch would create it on another device."""
    model = resnetzoo.create("resnet20").double()
    model.conv1 = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1, dtype=torch.float64))
    model.reset_classifier(3)
    assert model(torch.zeros(1, 3, 8, 8, dtype=torch.float64)).shape == (1, 3)
    with torch.device("meta"):
        trained = resnetzoo.create("resnet20", weights=True, num_classes=3, seed=0)
    assert torch.equal(trained.fc.weight, resnetzoo.create("resnet20", weights=True, num_classes=3, seed=0).fc.weight)
    empty = on_meta("resnet20")
    empty.reset_classifier(3)
    assert empty.fc.weight.is_meta


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (17, 33), (64, 64)])
@pytest.mark.parametrize("name", ["plainnet20", "resnet20", "preresnet20"])
def test_other_input_sizes(name: str, size: tuple[int, int]) -> None:
    model = resnetzoo.create(name, in_chans=1, seed=0).eval()
    features = model.forward_features(torch.randn(2, 1, *size))
    assert features.shape == (2, 64, -(-size[0] // 4), -(-size[1] // 4))
    assert model(torch.randn(2, 1, *size)).shape == (2, 10)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.zeros(3, 32, 32), r"shape \(N, 3, H, W\), found \[3, 32, 32\]"),
        (torch.zeros(2, 32, 32, 3), r"found \[2, 32, 32, 3\]"),
        (torch.zeros(2, 1, 32, 32), r"found \[2, 1, 32, 32\]"),
        (torch.zeros(2, 3072), r"found \[2, 3072\]"),
        (torch.zeros(2, 3, 0, 32), "at least one pixel"),
        (torch.zeros(2, 3, 32, 32, dtype=torch.uint8), "found torch.uint8"),
    ],
)
def test_images_of_another_shape_are_refused(images: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        resnetzoo.create("resnet20")(images)


@pytest.mark.parametrize("name", ["plainnet56", "resnet56", "resnet164", "preresnet56"])
def test_he_initialisation(name: str) -> None:
    model = resnetzoo.create(name, seed=0)
    for path, module in model.named_modules():
        if isinstance(module, nn.Conv2d):
            fan_in = module.weight[0].numel()
            share = module.weight.std() / (2 / fan_in) ** 0.5
            assert 0.8 < share < 1.2, path
            assert module.bias is None, path
        elif isinstance(module, nn.BatchNorm2d):
            assert (module.weight == 1).all(), path
            assert (module.bias == 0).all(), path
    assert (model.fc.bias == 0).all()


@pytest.mark.parametrize("name", ["resnet20", "resnet164", "preresnet20", "preresnet164"])
def test_zero_init_residual_makes_each_block_its_shortcut(name: str) -> None:
    model = resnetzoo.create(name, zero_init_residual=True, seed=0).eval()
    block = model.layer1[1]
    x = torch.randn(2, model.spec.num_features // 4, 8, 8).relu()
    torch.testing.assert_close(block(x), x)


@pytest.mark.parametrize(
    ("model", "params"),
    [
        (lambda: resnetzoo.plainnet(26), None),
        (lambda: resnetzoo.resnet(26, num_classes=100, in_chans=1), None),
        (lambda: resnetzoo.resnet(20, shortcut="projection"), PROJECTION_PARAMS["resnet20"]),
        (lambda: resnetzoo.resnet(56, shortcut="projection"), PROJECTION_PARAMS["resnet56"]),
        (lambda: resnetzoo.resnet(110, shortcut="projection"), PROJECTION_PARAMS["resnet110"]),
        (lambda: resnetzoo.resnet(29, block="bottleneck", zero_init_residual=True), None),
        (lambda: resnetzoo.preresnet(29, block="bottleneck", shortcut="projection_all"), None),
        (lambda: resnetzoo.preresnet(8), None),
    ],
)
def test_builders_take_any_valid_depth(model: object, params: int | None) -> None:
    built = model()  # type: ignore[operator]
    cost = resnetzoo.complexity(built.spec)
    assert cost.params == sum(parameter.numel() for parameter in built.parameters())
    assert params is None or cost.params == params
    assert built.eval()(torch.randn(1, built.spec.in_chans, 32, 32)).shape == (1, built.spec.num_classes)


def test_a_seed_fixes_the_weights_and_leaves_the_random_state() -> None:
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first = resnetzoo.create("resnet20", seed=7).state_dict()
    assert torch.equal(torch.get_rng_state(), state)
    second, third = resnetzoo.create("resnet20", seed=7).state_dict(), resnetzoo.create("resnet20", seed=8).state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not torch.equal(first["conv1.weight"], third["conv1.weight"])


def test_seeds_fix_weights_in_every_thread_and_leave_all_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(seed: int) -> None:
        raise AssertionError("the generators of other devices were seeded")

    for module in (torch.cuda, torch.mps, torch.xpu):
        monkeypatch.setattr(module, "manual_seed_all" if hasattr(module, "manual_seed_all") else "manual_seed", refuse)
    seeds = [seed for seed in range(4) for _ in range(3)]
    alone = [resnetzoo.create("resnet20", seed=seed).state_dict() for seed in seeds]
    state = torch.get_rng_state()
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda seed: resnetzoo.create("resnet20", seed=seed).state_dict(), seeds))
    assert torch.equal(torch.get_rng_state(), state)
    for one, other in zip(alone, together, strict=True):
        assert all(torch.equal(one[key], other[key]) for key in one)


def test_a_seed_where_the_default_device_has_no_values() -> None:
    with torch.device("meta"):
        model = resnetzoo.create("resnet20", seed=0)
    assert all(value.is_meta for value in model.state_dict().values())


def _share_a_stage(network: resnetzoo.CifarNet) -> None:
    network.layer3 = network.layer2


def _add_a_stage_again(network: resnetzoo.CifarNet) -> None:
    first = network.layer1
    del network.layer1
    network.layer1 = first


RUN: dict[str, Callable[[resnetzoo.CifarNet, torch.Tensor], torch.Tensor]] = {
    "eager": lambda network, images: network(images),
    "scripted": lambda network, images: torch.jit.script(network)(images),
    "traced": lambda network, images: torch.fx.symbolic_trace(network)(images),
    "exported": lambda network, images: torch.export.export(network, (images,)).module()(images),
}


@pytest.mark.filterwarnings(r"ignore:`torch\.jit\.\w+` is")
@pytest.mark.parametrize("change", [_share_a_stage, _add_a_stage_again])
@pytest.mark.parametrize("run", RUN)
def test_stages_run_by_their_names(run: str, change: Callable[[resnetzoo.CifarNet], None]) -> None:
    """Not in the order in which somebody put them in, nor only once where two are the same module."""
    network = lived_in(resnetzoo.ModelSpec("residual", 8, shortcut="projection", widths=(8, 8, 8))).eval()
    change(network)
    images = torch.randn(2, 3, 16, 16)
    with torch.no_grad():
        x = network.forward_stem(images)
        for stage in (network.layer1, network.layer2, network.layer3):
            x = stage(x)
        assert torch.allclose(RUN[run](network, images), network.forward_head(x), atol=1e-6)


def test_a_file_computes_as_the_network_whose_stages_were_put_in_again(tmp_path: Path) -> None:
    network = lived_in(resnetzoo.ModelSpec("residual", 8)).eval()
    _add_a_stage_again(network)
    resnetzoo.save_weights(network, tmp_path / "again.safetensors")
    images = torch.randn(2, 3, 16, 16)
    with torch.no_grad():
        assert torch.equal(resnetzoo.load_checkpoint(tmp_path / "again.safetensors")(images), network(images))
