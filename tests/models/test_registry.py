"""Names: every good one works, every bad one says what to type instead."""

import pytest
from cases import DEPTHS
from hypothesis import given
from hypothesis import strategies as st

import resnetzoo
from resnetzoo.models import registry
from resnetzoo.models.spec import nearest_depths

BAD_NAMES = {
    "resnet57": "nearest valid: 56 or 62",
    "resnet21": "did you mean resnet20",
    "plainnet111": "nearest valid: 110 or 116",
    "resnet1": "nearest valid: 8 or 14",
    "resnet26": r"resnetzoo.resnet\(26\)",
    "preresnet29": r'resnetzoo.preresnet\(29, block="bottleneck"\)',
    "plainnet29": "nearest valid: 32 or 26",
    "ResNet56": "did you mean resnet56",
    "resnet-20": "did you mean resnet20",
    "resent20": "did you mean resnet20",
    "plainet56": "did you mean plainnet56",
    "zzz": "known: plainnet20, plainnet32",
    "": "known: plainnet20",
}


@pytest.mark.parametrize("family", DEPTHS)
def test_every_depth_of_the_contract_is_registered_in_natural_order(family: str) -> None:
    assert resnetzoo.list_models(f"{family}*") == [f"{family}{depth}" for depth in DEPTHS[family]]


def test_list_is_in_natural_order() -> None:
    assert resnetzoo.list_models("*net*0") == [
        *("plainnet20", "plainnet110", "preresnet20", "preresnet110", "resnet20", "resnet110"),
    ]
    assert len(resnetzoo.list_models()) == sum(map(len, DEPTHS.values()))


@pytest.mark.parametrize("name", BAD_NAMES)
def test_bad_names_say_what_to_type(name: str) -> None:
    with pytest.raises(resnetzoo.UnknownModelError, match=BAD_NAMES[name]) as caught:
        resnetzoo.create(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [None, 56, ["resnet56"]])
def test_a_name_is_a_string(name: object) -> None:
    with pytest.raises(resnetzoo.UnknownModelError, match="string such as"):
        resnetzoo.create(name)  # type: ignore[arg-type]


@given(st.text(max_size=30))
def test_any_text_is_a_name_or_an_error_in_one_line(name: str) -> None:
    if name in resnetzoo.list_models():
        return
    with pytest.raises(resnetzoo.UnknownModelError):
        resnetzoo.get_spec(name)


def test_register_adds_a_name_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_SPECS", dict(registry._SPECS))
    spec = resnetzoo.ModelSpec(family="residual", depth=26)
    resnetzoo.register("resnet26", spec)
    assert resnetzoo.get_spec("resnet26") == spec
    assert resnetzoo.create("resnet26").spec.depth == 26
    assert resnetzoo.list_models("resnet*")[:2] == ["resnet20", "resnet26"]
    with pytest.raises(resnetzoo.UsageError, match="registered already"):
        resnetzoo.register("resnet26", spec)


def test_register_refuses_what_is_no_name_or_no_spec() -> None:
    with pytest.raises(resnetzoo.UsageError, match="one word"):
        resnetzoo.register("my net", resnetzoo.ModelSpec("plain", 26))
    with pytest.raises(resnetzoo.UsageError, match="ModelSpec, not dict"):
        resnetzoo.register("mine", {"family": "plain"})  # type: ignore[arg-type]


@given(st.integers(min_value=-10, max_value=5000), st.sampled_from([2, 3]))
def test_a_depth_is_valid_or_its_nearest_are_named(depth: int, layers_per_block: int) -> None:
    step = 3 * layers_per_block
    block = "basic" if layers_per_block == 2 else "bottleneck"
    if depth > 2 and (depth - 2) % step == 0:
        spec = resnetzoo.ModelSpec("residual", depth, block=block)
        assert 2 + step * spec.blocks_per_stage == depth
        return
    with pytest.raises(resnetzoo.UsageError):
        resnetzoo.ModelSpec("residual", depth, block=block)
    valid = nearest_depths(depth, step)
    assert all((near - 2) % step == 0 and near >= step + 2 for near in valid)
    distance = min(abs(near - depth) for near in range(step + 2, 6000, step))
    assert abs(valid[0] - depth) == distance


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"family": "dense"}, "family must be one of plain, residual, preactivation"),
        ({"block": "wide"}, "block must be one of basic, bottleneck"),
        ({"shortcut": "conv"}, "shortcut must be one of identity, projection, projection_all"),
        ({"num_classes": 0}, "num_classes must be a whole number from 1, not 0"),
        ({"num_classes": -3}, "num_classes must be a whole number from 1, not -3"),
        ({"num_classes": True}, "num_classes must be a whole number"),
        ({"in_chans": 0}, "in_chans must be a whole number from 1, not 0"),
        ({"depth": 20.0}, "depth must be a whole number"),
        ({"widths": (16, 32)}, "widths must be three numbers"),
        ({"widths": (64, 32, 16)}, "must not fall"),
        ({"family": "plain", "shortcut": "projection"}, "plain networks have no shortcuts"),
        ({"family": "plain", "block": "bottleneck", "depth": 29}, "plain networks are built of basic blocks"),
        ({"family": "plain", "zero_init_residual": True}, "no residual branch"),
    ],
)
def test_a_spec_that_cannot_be_is_refused(choices: dict[str, object], message: str) -> None:
    with pytest.raises(resnetzoo.UsageError, match=message):
        resnetzoo.ModelSpec(**{"family": "residual", "depth": 20, **choices})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", resnetzoo.list_models())
def test_a_spec_survives_its_dictionary(name: str) -> None:
    spec = resnetzoo.get_spec(name)
    assert resnetzoo.ModelSpec.from_dict(spec.to_dict()) == spec
    assert spec.label == name
