"""torch-pruning's narrower networks against the whole one with the same channels silenced."""

import pytest
import torch
from cases import KINDS, lived_in

import resnetzoo

tp = pytest.importorskip("torch_pruning", reason="torch-pruning is not installed")

CHANNELS = [0, 3, 4, 9]


@pytest.mark.parametrize("spec", KINDS, ids=lambda spec: f"{spec.label}-{spec.shortcut}")
def test_channels_inside_a_block_can_be_cut_out(spec: resnetzoo.ModelSpec) -> None:
    model, images = lived_in(spec), torch.randn(2, 3, 16, 16)
    silenced = lived_in(spec)
    norm = silenced.get_submodule("layer2.0.bn2" if spec.norm_first else "layer2.0.bn1")  # behind the first convolution
    for values in (norm.weight, norm.bias):
        values.data[CHANNELS] = 0
    graph = tp.DependencyGraph().build_dependency(model, images)
    block = model.layer2[0]
    group = graph.get_pruning_group(block.conv1, tp.prune_conv_out_channels, idxs=CHANNELS)
    assert graph.check_pruning_group(group)
    group.prune()
    assert block.conv1.out_channels == block.conv2.in_channels == silenced.layer2[0].conv1.out_channels - len(CHANNELS)
    with torch.no_grad():
        torch.testing.assert_close(model(images), silenced(images), rtol=1e-3, atol=1e-4)
    with pytest.raises(resnetzoo.UsageError, match=r"no longer a whole .*: under layer2\.0\.bn"):
        resnetzoo.save_weights(model, "narrow.safetensors")


@pytest.mark.parametrize("name", ["plainnet20", "resnet20", "resnet164", "preresnet20"])
def test_it_counts_what_complexity_counts(name: str) -> None:
    cost = resnetzoo.complexity(name)
    model = resnetzoo.create(name).eval()
    _, parameters = tp.utils.count_ops_and_params(model, torch.randn(1, 3, 32, 32))
    assert parameters == cost.params
