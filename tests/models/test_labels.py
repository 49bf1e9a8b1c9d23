"""What tables call a network: the names of the literature, and never one name for two architectures."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import product

import pytest
from cases import ROOT

import resnetzoo
from resnetzoo import ModelSpec, UsageError

FOUR = (64, 128, 256, 512)
DEPTHS = (8, 16, 18, 20, 22, 26, 29, 32, 34, 50, 56, 101, 110, 152, 164)
STAGES = (
    {},
    *({"layers": layers} for layers in ((2, 2, 2), (3, 3, 3), (2, 3, 4), (4, 4, 4), (2, 2, 2, 2), (3, 4, 6, 3))),
)
WIDTHS = ((16, 32, 64), (32, 64, 128), (64, 128, 256), (16, 64, 128), FOUR, (16, 32, 64, 128))
GROUPS = ({}, {"width_per_group": 128}, {"groups": 8}, {"groups": 8, "width_per_group": 4})
DETAILS = (
    {},
    {"norm": "group"},
    {"last_norm": False},
    {"projection_input": "raw"},
    {"strided_conv": 1},
    {"strided_conv": 2},
    {"drop_rate": 0.3},
    {"drop_rate": 0.3000001},
    {"zero_init_residual": True},
)


def specs() -> Iterator[ModelSpec]:
    """All that can be built of some values of each field."""
    kinds = product(("plain", "residual", "preactivation"), ("basic", "bottleneck"), ("identity", "projection"))
    shapes = product(DEPTHS, STAGES, WIDTHS, (None, 16, 32), GROUPS)
    for (family, block, shortcut), (depth, stages, widths, stem, groups) in product(kinds, list(shapes)):
        fields = {"block": block, "shortcut": shortcut, "widths": widths, "stem_width": stem, **stages, **groups}
        with suppress(UsageError):
            yield ModelSpec(family, depth, **fields)


def test_labels_tell_architectures_apart() -> None:
    found: dict[str, ModelSpec] = {}
    for spec in specs():
        assert found.setdefault(spec.label, spec) == spec, spec.label
    assert len(found) > 500


@pytest.mark.parametrize("name", resnetzoo.list_models())
def test_labels_begin_with_registered_names_and_tell_their_details_apart(name: str) -> None:
    spec = replace(
        resnetzoo.get_spec(name), shortcut="projection" if resnetzoo.get_spec(name).has_shortcuts else "identity"
    )
    found: dict[str, ModelSpec] = {}
    for details in DETAILS:
        with suppress(UsageError):
            other = replace(spec, **details)
            assert other.label.split(" (")[0] == name
            assert found.setdefault(other.label, other) == other


@pytest.mark.parametrize(
    ("spec", "label"),
    [
        (ModelSpec("residual", 164), "resnet164 (basic blocks)"),
        (ModelSpec("residual", 56, "bottleneck", "projection"), "resnet56 (bottleneck blocks)"),
        (ModelSpec("residual", 1001, "bottleneck"), "resnet1001 (identity)"),
        (ModelSpec("residual", 50), "resnet50 (three stages)"),
        (ModelSpec("residual", 26, widths=(32, 64, 128)), "resnet26 (widths 32-64-128)"),
        (ModelSpec("plain", 18, widths=FOUR), "plainnet18"),
        (replace(resnetzoo.get_spec("resnet50"), width_per_group=128), "resnet50 (width per group 128)"),
        (replace(resnetzoo.get_spec("resnet50"), groups=32, width_per_group=4), "resnext50_32x4d"),
        (replace(resnetzoo.get_spec("resnet20"), num_classes=100, in_chans=1), "resnet20"),
    ],
)
def test_labels_say_what_the_name_does_not(spec: ModelSpec, label: str) -> None:
    assert spec.label == label


def test_labels_in_records_of_earlier_versions_are_completed_and_other_names_stay() -> None:
    (values, *_) = json.loads((ROOT / "docs/results/source/results.json").read_text())["runs"]
    values["spec"] = {**values["spec"], "family": "residual", "depth": 26, "widths": [32, 64, 128]}
    names = {"resnet26": "resnet26 (widths 32-64-128)", "resnet26 (by hand)": "resnet26 (by hand)", "mine": "mine"}
    for stored, name in names.items():
        assert resnetzoo.RunRecord.from_dict({**values, "name": stored}).name == name
