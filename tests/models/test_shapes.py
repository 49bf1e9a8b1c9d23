"""What a spec says of stages and convolutions, against the modules that are built from it."""

from dataclasses import replace

import pytest
import torch
from cases import ALL, EVERY_KIND, THIN, lived_in
from torch import Tensor, nn

import resnetzoo
from resnetzoo import analysis, plots
from resnetzoo.inference.fuse import fuse_batch_norm
from resnetzoo.models.blocks.modules import MODULES
from resnetzoo.models.blocks.types import BLOCK_TYPES, find_block_type
from resnetzoo.models.cifar_net import without_values

BY_KIND = pytest.mark.parametrize("spec", EVERY_KIND, ids=lambda spec: f"{spec.label}-{spec.shortcut}")


def test_every_kind_of_block_has_a_module_and_is_among_the_cases() -> None:
    assert list(MODULES) == list(BLOCK_TYPES)
    assert {find_block_type(spec.family, spec.block) for spec in EVERY_KIND} == set(BLOCK_TYPES)


@pytest.mark.parametrize("name", ALL)
def test_convolutions_are_those_that_are_built(name: str) -> None:
    spec = resnetzoo.get_spec(name)
    model = without_values(spec)
    built = {path: module for path, module in model.named_modules() if isinstance(module, nn.Conv2d)}
    norms = {
        path: module for path, module in model.named_modules() if isinstance(module, nn.GroupNorm | nn.BatchNorm2d)
    }
    said = list(spec.all_convs())
    assert [conv.conv for conv in said] == list(built)
    for conv in said:
        module, half = built[conv.conv], conv.kernel // 2
        assert module.weight.shape == conv.weight_shape
        assert (module.stride, module.padding, module.groups) == ((conv.stride,) * 2, (half,) * 2, conv.groups)
        assert module.bias is None
        if conv.norm is not None:
            assert len(norms.pop(conv.norm).weight) == conv.norm_chans
    assert list(norms) == (["bn"] if spec.norm_first else [])


@pytest.mark.parametrize("name", ALL)
def test_stages_are_those_that_are_built(name: str) -> None:
    spec = resnetzoo.get_spec(name)
    model = without_values(spec)
    assert [path for path, _ in model.named_children() if path.startswith("layer")] == [s.name for s in spec.stages]
    assert model.stage_names == [stage.name for stage in spec.stages]
    in_chans = model.conv1.out_channels
    for stage in spec.stages:
        assert len(model.get_submodule(stage.name)) == stage.blocks
        assert stage.in_chans == in_chans
        in_chans = stage.out_chans
    assert in_chans == spec.num_features
    assert list(spec.blocks()) == [block for stage in spec.stages for block in stage.block_shapes()]
    counted = 4 if spec.is_wide else 2  # beside those of F: the stem, and three projections or the classifier
    assert sum(stage.blocks for stage in spec.stages) * spec.layers_per_block == spec.depth - counted


def block_of(path: str) -> str:
    """The block that a module belongs to; nothing for those of the network itself."""
    return ".".join(path.split(".")[:2]) if path.startswith("layer") else ""


def norms_fed_alone(spec: resnetzoo.ModelSpec) -> dict[str, str | None]:
    """Of each convolution the norm of its block that takes its output, if nothing else does, in the traced network."""
    model = without_values(spec)
    found: dict[str, str | None] = {}
    for node in torch.fx.symbolic_trace(model).graph.nodes:
        if node.op == "call_module" and isinstance(model.get_submodule(node.target), nn.Conv2d):
            reader = next(iter(node.users)).target if len(node.users) == 1 else None
            alone = isinstance(reader, str) and isinstance(model.get_submodule(reader), nn.BatchNorm2d)
            found[node.target] = reader if alone and block_of(reader) == block_of(node.target) else None
    return found


@BY_KIND
def test_fusable_are_the_norms_that_one_convolution_feeds_alone(spec: resnetzoo.ModelSpec) -> None:
    assert {conv.conv: conv.fusable for conv in spec.all_convs()} == norms_fed_alone(spec)


@BY_KIND
def test_responses_are_those_of_the_3x3_convolutions(spec: resnetzoo.ModelSpec) -> None:
    for conv in spec.all_convs():
        batch = replace(spec, norm="batch")  # with which the norm behind is the one that can be fused
        fusable = next(other.fusable for other in batch.all_convs() if other.conv == conv.conv)
        assert conv.response == ((fusable or conv.conv) if conv.kernel == 3 else None)


@BY_KIND
def test_with_its_last_layer_at_zero_a_block_adds_nothing(spec: resnetzoo.ModelSpec) -> None:
    model = lived_in(spec)
    shape = list(spec.blocks())[-1]
    block = model.get_submodule(shape.name)
    last = block.get_submodule(spec.last_layer)
    last.get_parameter("weight").data.zero_()
    if isinstance(last, nn.GroupNorm | nn.BatchNorm2d):
        last.bias.data.zero_()
    x = torch.randn(2, shape.in_chans, 8, 8)
    branches: list[Tensor] = []
    last.register_forward_hook(lambda module, inputs, output: branches.append(output.clone()))
    shortcuts = [torch.zeros(())]
    if spec.has_shortcuts:
        block.get_submodule("downsample").register_forward_hook(
            lambda module, inputs, output: shortcuts.append(output.clone())
        )
    with torch.no_grad():
        y = block(x)
    assert not branches[0].any()
    expected = shortcuts[-1] if spec.norm_first else shortcuts[-1].relu()
    assert torch.equal(y, expected.expand_as(y))


@pytest.mark.parametrize("kind", THIN)
def test_everything_follows_from_the_stages_and_blocks_of_a_spec(kind: str) -> None:
    spec = THIN[kind]
    model = lived_in(spec)
    images = torch.randn(2, 3, 32, 32)
    expected = model(images)
    side = 32 // spec.reductions[-1]
    assert model.forward_features(images).shape == (2, spec.num_features, side, side)
    assert resnetzoo.complexity(spec).params == sum(parameter.numel() for parameter in model.parameters())
    assert f"{side} x {side}" in plots.draw(spec)
    assert f"{list(spec.blocks())[-1].name}.conv2" in analysis.response_std(model, images).names
    torch.testing.assert_close(fuse_batch_norm(model)(images), expected, rtol=1e-4, atol=1e-4)
