"""One body for every registered name: what a network of the zoo must be able to do."""

import copy
import pickle
import re
import warnings
from dataclasses import replace

import pytest
import torch
from cases import ALL, DEEPEST, EVERY_KIND, PARAMS, PARAMS_100, PROJECTION_PARAMS, SHORTCUTS, USUAL, WIDE
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import resnetzoo


def on_meta(name: str, **choices: object) -> resnetzoo.CifarNet:
    """The network without memory for its weights."""
    with torch.device("meta"):
        return resnetzoo.create(name, **choices)  # type: ignore[arg-type]


def test_every_name_is_pinned() -> None:
    assert sorted(PARAMS) == sorted(ALL)


@pytest.mark.parametrize("name", ALL)
def test_costs_in_closed_form_are_what_torch_counts(name: str) -> None:
    model = on_meta(name).eval()
    cost = resnetzoo.complexity(name)
    assert cost.params == sum(parameter.numel() for parameter in model.parameters()) == PARAMS[name]
    outputs = 0

    def count(module: nn.Module, inputs: object, output: torch.Tensor) -> None:
        nonlocal outputs
        outputs += output.numel()

    if name in PARAMS_100:
        assert resnetzoo.complexity(replace(model.spec, num_classes=100)).params == PARAMS_100[name]
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(count)
    with FlopCounterMode(display=False) as counter:
        model(torch.empty(1, 3, 32, 32, device="meta"))
    assert 2 * cost.macs == counter.get_total_flops()
    assert cost.activations == outputs


@pytest.mark.parametrize(
    ("name", "shortcut"),
    [(name, shortcut) for name in USUAL for shortcut in (SHORTCUTS[:1] if name.startswith("plainnet") else SHORTCUTS)],
)
@pytest.mark.parametrize("input_size", [17, 64])
def test_costs_hold_for_other_choices(name: str, shortcut: str, input_size: int) -> None:
    model = on_meta(name, num_classes=42, in_chans=1, shortcut=shortcut).eval()
    cost = resnetzoo.complexity(model.spec, input_size=input_size)
    assert cost.params == sum(parameter.numel() for parameter in model.parameters())
    with FlopCounterMode(display=False) as counter:
        model(torch.empty(1, 1, input_size, input_size, device="meta"))
    assert 2 * cost.macs == counter.get_total_flops()


@pytest.mark.parametrize("name", ALL)
def test_weighted_layers_are_the_depth_in_the_name(name: str) -> None:
    model = on_meta(name)
    weighted = [
        path
        for path, module in model.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear) and "downsample" not in path
    ]
    depth = int(re.findall(r"\d+", name)[0])
    assert len(weighted) == (depth - 2 if name.startswith("wrn") else depth)  # whose authors count three projections
    assert model.spec.depth == depth


@pytest.mark.parametrize("name", USUAL)
def test_forward_and_backward(name: str) -> None:
    model = resnetzoo.create(name, num_classes=42, seed=0)
    assert model.eval()(torch.randn(1, 3, 64, 64)).shape == (1, 42)
    logits = model.train()(torch.randn(2, 3, 32, 32))
    assert logits.shape == (2, 42)
    logits.square().mean().backward()
    for path, parameter in model.named_parameters():
        assert parameter.grad is not None, path
        assert parameter.grad.isfinite().all(), path


@pytest.mark.parametrize("name", DEEPEST + WIDE)
def test_the_deepest_and_the_widest_run_forward(name: str) -> None:
    model = resnetzoo.create(name, seed=0)
    side = 32 if name in DEEPEST else 8  # of the wide ones a sixteenth of the pixels, each of which costs more
    with torch.inference_mode():
        logits = model(torch.randn(2, 3, side, side))
    assert logits.shape == (2, 10)
    assert logits.isfinite().all()


@pytest.mark.parametrize("name", USUAL)
def test_state_dict_pickle_and_copy(name: str) -> None:
    model = resnetzoo.create(name, seed=0).eval()
    images = torch.randn(2, 3, 32, 32)
    expected = model(images)
    other = resnetzoo.create(name, seed=1).eval()
    other.load_state_dict(model.state_dict())
    for twin in (other, pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert twin.spec == model.spec
        torch.testing.assert_close(twin(images), expected)


@pytest.mark.parametrize("depth", [20, 32, 44, 56, 110])
def test_plain_and_residual_share_keys_and_shapes(depth: int) -> None:
    plain, residual = on_meta(f"plainnet{depth}").state_dict(), on_meta(f"resnet{depth}").state_dict()
    assert {key: value.shape for key, value in plain.items()} == {key: value.shape for key, value in residual.items()}


@pytest.mark.parametrize("name", USUAL)
def test_features_head_and_classifier(name: str) -> None:
    model = resnetzoo.create(name, seed=0).eval()
    images = torch.randn(2, 3, 32, 32)
    features = model.forward_features(images)
    assert features.shape == (2, model.num_features, 8, 8)
    torch.testing.assert_close(model.forward_head(features), model(images))
    pooled = model.forward_head(features, pre_logits=True)
    torch.testing.assert_close(pooled, features.mean(dim=(2, 3)))
    assert model.get_classifier() is model.fc

    model.reset_classifier(7)
    assert model(images).shape == (2, 7)
    assert model.num_classes == model.spec.num_classes == 7
    model.reset_classifier(0)
    torch.testing.assert_close(model(images), pooled)
    assert model.num_classes == 0


def test_a_classifier_cannot_have_less_than_no_class() -> None:
    with pytest.raises(resnetzoo.UsageError, match="num_classes must be a whole number from 1, not -1"):
        resnetzoo.create("resnet20").reset_classifier(-1)


@pytest.mark.parametrize("spec", EVERY_KIND, ids=lambda spec: f"{spec.label}-{spec.shortcut}")
def test_script_export_and_compile(spec: resnetzoo.ModelSpec) -> None:
    model = resnetzoo.CifarNet(spec).eval()
    images = torch.randn(3, 3, 32, 32)
    expected = model(images)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls its own scripting deprecated
        scripted = torch.jit.script(model)
        torch.testing.assert_close(scripted(images), expected)
        with pytest.raises(Exception, match="expected images of shape"):
            scripted(images[0])
        exported = torch.export.export(model, (images,), dynamic_shapes=({0: torch.export.Dim("n")},))
        torch.testing.assert_close(exported.module()(images[:2]), expected[:2], rtol=1e-3, atol=1e-4)
        # The "eager" backend traces the whole network into one graph, which is what fullgraph asks for,
        # and skips only the minutes of generating machine code for it.
        compiled = torch.compile(model, fullgraph=True, backend="eager")
        torch.testing.assert_close(compiled(images), expected)
    torch.compiler.reset()


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
