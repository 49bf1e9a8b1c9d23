"""Names: every good one works, every bad one says what to type instead."""

import json
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest
from cases import DEPTHS, PARAMS, THIN
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import resnetzoo
from resnetzoo import plots
from resnetzoo.models import registry
from resnetzoo.models.depths import nearest_depths

BAD_NAMES = {
    "resnet57": "nearest valid: 56 or 62",
    "resnet21": "did you mean resnet20",
    "resnet20.modern_c10": r'resnetzoo\.load_model loads\. resnetzoo\.list_weights\("resnet20\.\*"\) lists',
    "plainnet111": "nearest valid: 110 or 116",
    "resnet1": "nearest valid: 8 or 14",
    "resnet26": r"resnetzoo.resnet\(26\), of three stages of 16 to 64 channels$",
    "resnet2": "nearest valid: 8 or 14; did you mean resnet8 or resnet14[?]$",
    "resnet101": r"101, block=\"bottleneck\", shortcut=\"projection\"\), of three .* four .*layers=\(3, 4, 23, 3\)",
    "preresnet34": r"nearest valid: 32 or 38; .* four stages .*ModelSpec\(\"preactivation\", 34, shortcut",
    "resnet35": "did you mean resnet34 or resnet32",
    "resnet49": r"resnet50 or resnet44\? resnet50 has 4 stages of 64 to 512 .* 6n\+2 .* is resnetzoo.resnet\(50\)$",
    "resnet-50": r"resnet50 or .*\? resnet50 has 4 stages of 64 to 512 .* 6n\+2 .* is resnetzoo.resnet\(50\)$",
    "wrn27_2": "depth 27 is not 6n\\+4; the nearest valid: wrn22_2 or wrn28_2",
    "WRN-28-10": "did you mean wrn28_10",
    "wide_resnet40x2": "did you mean wrn40_2",
    "wrn28_0": "unknown model",
    "ResNeXt29_8x64": "did you mean resnext29_8x64d",
    "resnext30_8x64d": "depth 30 is not 9n\\+2",
    "preresnet29": r'resnetzoo.preresnet\(29, block="bottleneck", shortcut="projection"\)',
    "preresnet2": "nearest valid: 8 or 14; did you mean preresnet18 or preresnet20[?]$",
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
    listed = resnetzoo.list_models(f"{family}*")
    assert [name for name in listed if name in {f"{family}{depth}" for depth in DEPTHS[family]}] == [
        f"{family}{depth}" for depth in DEPTHS[family]
    ]


@pytest.mark.parametrize("name", resnetzoo.list_models())
def test_every_network_names_its_own_paper(name: str) -> None:
    papers = {"wrn": "1605.07146", "resnext": "1611.05431", "preresnet": "1603.05027"}
    assert resnetzoo.get_spec(name).paper == papers.get(name.rstrip("0123456789_xd"), "1512.03385")


def test_list_is_in_natural_order() -> None:
    assert resnetzoo.list_models("*net*0") == [
        *("plainnet20", "plainnet110", "preresnet20", "preresnet110", "resnet20", "resnet50", "resnet110"),
    ]
    assert resnetzoo.list_models("wrn*") == ["wrn16_2", "wrn16_4", "wrn28_10", "wrn34_10", "wrn40_2", "wrn40_4"]
    assert set(resnetzoo.list_models()) == set(PARAMS)


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
    assert resnetzoo.list_models("resnet2*") == ["resnet20", "resnet26"]
    with pytest.raises(resnetzoo.UsageError, match="already registered"):
        resnetzoo.register("resnet26", spec)


@pytest.mark.parametrize(
    ("name", "params"),
    [("wrn22_8", 17_158_106), ("wrn40_1", 563_930), ("resnext29_4x24d", None), ("resnet20x4", None)],
)
def test_what_the_message_says_registers_the_name(
    name: str, params: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_SPECS", dict(registry._SPECS))
    with pytest.raises(resnetzoo.UnknownModelError) as caught:
        resnetzoo.create(name)
    call = str(caught.value).partition(": ")[2]
    exec(call, {"resnetzoo": resnetzoo})
    assert resnetzoo.get_spec(name).label == name
    if params is not None:
        assert resnetzoo.complexity(name).params == params


def test_resnet50_is_another_network_than_that_of_6n_2_layers() -> None:
    four, three = resnetzoo.get_spec("resnet50"), resnetzoo.resnet(50).spec
    assert (four.depth, three.depth) == (50, 50)
    assert (len(four.stages), len(three.stages)) == (4, 3)
    assert (four.label, three.label) == ("resnet50", "resnet50 (three stages)")
    assert resnetzoo.complexity(three).params == 755_802


def test_a_name_is_made_with_another_norm_and_with_dropout() -> None:
    model = resnetzoo.create("resnet8", norm="group", drop_rate=0.3)
    assert model.spec == replace(resnetzoo.get_spec("resnet8"), norm="group", drop_rate=0.3)
    assert sum(parameter.numel() for parameter in model.parameters()) == PARAMS["resnet8"]


def test_register_refuses_what_is_no_name_or_no_spec() -> None:
    with pytest.raises(resnetzoo.UsageError, match="one word"):
        resnetzoo.register("my net", resnetzoo.ModelSpec("plain", 26))
    with pytest.raises(resnetzoo.UsageError, match="ModelSpec, not dict"):
        resnetzoo.register("mine", {"family": "plain"})  # type: ignore[arg-type]
    with pytest.raises(resnetzoo.UsageError, match=r"not 'net\.1'; a point separates the name from its weights"):
        resnetzoo.register("net.1", resnetzoo.ModelSpec("plain", 26))
    assert "net.1" not in resnetzoo.list_models()


def test_costs_and_drawings_take_a_network() -> None:
    """By its name, by its spec, or itself, with the classes that it has now."""
    network = resnetzoo.create("resnet20")
    for take in (resnetzoo.complexity, plots.draw):
        of_spec = take(network.spec)
        assert of_spec == take("resnet20") == take(network) == take(nn.DataParallel(network))
    network.fc = nn.Linear(64, 7)
    assert resnetzoo.complexity(network) == resnetzoo.complexity(replace(network.spec, num_classes=7))
    network.layer1 = nn.Sequential()
    with pytest.raises(resnetzoo.UsageError, match="no longer a whole resnet20"):
        resnetzoo.complexity(network)


WRONG_KINDS: list[tuple[Callable[[Any], object], str]] = [
    (resnetzoo.complexity, r"takes a name of the zoo, a resnetzoo\.ModelSpec or a network, not"),
    (plots.draw, r"takes a name of the zoo, a resnetzoo\.ModelSpec or a network, not"),
    (resnetzoo.CifarNet, r"built from a resnetzoo\.ModelSpec, not .*: resnetzoo\.create\(name\)"),
    (resnetzoo.get_spec, 'a model is named by a string such as "resnet56", not'),
    (resnetzoo.list_models, "pattern must be of the class str, not"),
    (resnetzoo.list_weights, "pattern must be of the class str, not"),
    (resnetzoo.get_weights, "name must be of the class str, not"),
    (resnetzoo.weights.default_weights, "network must be of the class str, not"),
    (lambda found: plots.looks_of([found]), "label must be of the class str, not"),
    (resnetzoo.classes_of, "dataset must be one of cifar10, .* not"),
    (resnetzoo.load_data, "dataset must be one of auto, .* not"),
    (resnetzoo.resolve_device, "device must be auto, .* not"),
    (resnetzoo.reproduce.get_target, "target must be of the class str, not"),
    (resnetzoo.user_path, r"a path is a string or a pathlib\.Path, not"),
    (resnetzoo.open_checkpoint, r"a path is a string or a pathlib\.Path, not"),
    (resnetzoo.network_of, r"a training state, as open_checkpoint\(path\) returns, not .*; load_checkpoint reads"),
]


@pytest.mark.parametrize(("take", "message"), WRONG_KINDS)
@pytest.mark.parametrize("found", [None, ["resnet20"], resnetzoo.Stage], ids=["None", "list", "class"])
def test_another_kind_of_value_is_named(take: Callable[[Any], object], message: str, found: object) -> None:
    with pytest.raises(resnetzoo.ResnetzooError, match=message):
        take(found)


def test_a_message_does_not_print_a_whole_network() -> None:
    network = resnetzoo.create("resnet20")
    for take in (resnetzoo.create, resnetzoo.resnet, resnetzoo.classes_of):
        with pytest.raises(resnetzoo.ResnetzooError, match=r"not CifarNet\(\.\.\.$"):
            take(network)  # type: ignore[operator]


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
        ({"widths": ()}, "widths must be numbers, one per stage"),
        ({"widths": 16}, "widths must be numbers, one per stage"),
        ({"widths": None}, "widths must be numbers, one per stage"),
        ({"widths": (16, 32)}, r"depth 20 is not 4n\+2"),
        ({"layers": (3, 3)}, r"one number per stage, not \(3, 3\) and \(16, 32, 64\)"),
        ({"layers": (3, 0, 3)}, "layers must be a whole number from 1, not 0"),
        ({"layers": (2, 2, 2)}, r"layers \(2, 2, 2\) of basic blocks make depth 14, not 20"),
        ({"family": "preactivation", "layers": (2, 2, 2)}, "make depth 14, or 16 as Wide ResNets count, not 20"),
        ({"groups": 2}, "groups is only for bottleneck blocks"),
        ({"width_per_group": 4}, "width_per_group is only for bottleneck blocks"),
        ({"block": "bottleneck", "groups": 0}, "groups must be a whole number from 1, not 0"),
        ({"block": "bottleneck", "width_per_group": 3, "groups": 2}, "leaves no channel of widths"),
        ({"norm": "layer"}, "norm must be one of batch, group"),
        ({"drop_rate": 1.0}, "a share from 0 to below 1, not 1.0"),
        ({"drop_rate": "0.3"}, "drop_rate must be a number"),
        ({"block": "bottleneck", "drop_rate": 0.3}, "drop_rate is only for basic blocks"),
        ({"last_norm": False}, "last_norm and projection_input are only for pre-activation networks"),
        ({"projection_input": "raw"}, "last_norm and projection_input are only for pre-activation networks"),
        ({"family": "preactivation", "projection_input": "x"}, "projection_input must be one of activated, raw"),
        ({"last_norm": "no"}, "last_norm must be True or False, not 'no'"),
        ({"zero_init_residual": "no"}, "zero_init_residual must be True or False, not 'no'"),
        ({"zero_init_residual": 1}, "zero_init_residual must be True or False, not 1"),
        ({"family": "plain", "zero_init_residual": 0}, "zero_init_residual must be True or False, not 0"),
        ({"num_classes": 10**30}, "num_classes must be at most 16,777,216, not 1000"),
        ({"in_chans": 2**62}, "in_chans must be at most 16,777,216, not 4611686018427387904"),
        ({"widths": (16, 32, 10**9)}, "widths must be at most 16,777,216, not 1000000000"),
        ({"depth": 6 * 10**12 + 2}, "depth must be at most 16,777,216, not 6000000000002"),
        ({"strided_conv": 3}, "a basic block has 2 convolutions, not 3"),
        ({"strided_conv": 0}, "strided_conv must be a whole number from 1, not 0"),
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
    assert spec.label == (f"{name} (projection)" if name in ("resnet8", "resnet14") else name)


@pytest.mark.parametrize("kind", THIN)
def test_a_spec_writes_what_is_set_alone(kind: str) -> None:
    spec = THIN[kind]
    values = json.loads(json.dumps(spec.to_dict()))
    assert resnetzoo.ModelSpec.from_dict(values) == spec
    always = [field.name for field in fields(spec)][:8]  # what the first versions wrote, and read
    assert list(values)[:8] == always
    assert all(values[name] != getattr(resnetzoo.ModelSpec, name) for name in list(values)[8:])


def test_two_specs_of_one_network_are_equal() -> None:
    assert resnetzoo.ModelSpec("residual", 20, layers=(3, 3, 3)) == resnetzoo.ModelSpec("residual", 20)
    assert hash(resnetzoo.ModelSpec("residual", 20, widths=[16, 32, 64])) == hash(resnetzoo.ModelSpec("residual", 20))  # type: ignore[arg-type]
