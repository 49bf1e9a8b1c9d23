"""The networks as timm sees them: what its own tests ask of every model, and its options."""

import copy
import importlib
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cases import ALL, DEEPEST, USUAL, WIDE
from torch import Tensor, nn

import resnetzoo
from resnetzoo.inference.fuse import fuse_batch_norm
from resnetzoo.models import registry
from resnetzoo.weights import hub

timm = pytest.importorskip("timm", reason="the interoperation with timm needs timm")
for part in ("data", "optim", "utils"):
    importlib.import_module(f"timm.{part}")
interop = importlib.import_module("resnetzoo.interop.timm")
KINDS = ["plainnet20", "resnet20", "preresnet20"]  # of depth 20, for what does not depend on the depth
FEATURE_CLASSES = ["list", "dict", "hook", "fx", "getter"]


def create(name: str, **options: Any) -> Any:
    return timm.create_model(f"resnetzoo_{name}", **options)


def images_for(model: Any, count: int = 2) -> Tensor:
    return torch.randn(count, *model.pretrained_cfg["input_size"], generator=torch.Generator().manual_seed(0))


# What timm lists


def test_every_network_is_listed_and_nothing_of_timms_own_is_hidden() -> None:
    names = timm.list_models("resnetzoo_*")
    assert sorted(names) == sorted(f"resnetzoo_{name}" for name in ALL)
    others = set(timm.list_models()) - set(names)
    assert len(others) > 500
    assert all(timm.models.model_entrypoint(name).__module__.startswith("timm.") for name in others)


def test_weights_are_listed_by_their_tags() -> None:
    rows = resnetzoo.list_weights()
    assert set(timm.list_models("resnetzoo_*", pretrained=True)) == {f"resnetzoo_{row.name}" for row in rows}
    for row in rows:
        config = timm.get_pretrained_cfg(f"resnetzoo_{row.name}")
        assert (config.mean, config.std, config.num_classes) == (row.mean, row.std, row.spec.num_classes)
        assert (config.url, config.tag) == (row.url, row.tag)
        assert (config.file == str(hub.local_path(row))) if row.packaged else config.file is None
    for name in ALL:
        first = next((row.tag for row in rows if row.network == name), None)
        assert timm.get_pretrained_cfg(f"resnetzoo_{name}").tag == first


def test_importing_again_changes_nothing() -> None:
    entrypoint = timm.models.model_entrypoint("resnetzoo_resnet20")
    importlib.reload(interop)
    assert timm.models.model_entrypoint("resnetzoo_resnet20") is entrypoint


def test_a_name_of_ones_own_is_registered_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = resnetzoo.ModelSpec("residual", 8, in_chans=1, num_classes=4)
    monkeypatch.setitem(registry._SPECS, "small8", spec)
    interop.register_networks()
    model = create("small8")
    assert model.spec == spec
    assert timm.data.resolve_model_data_config(model)["mean"] == pytest.approx([0.474], abs=0.001)
    assert model(images_for(model)).shape == (2, 4)


def test_a_name_that_is_taken_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry._SPECS, "taken", resnetzoo.ModelSpec("residual", 8))
    monkeypatch.setitem(
        timm.models._registry._model_entrypoints, "resnetzoo_taken", test_importing_again_changes_nothing
    )
    with pytest.raises(
        resnetzoo.UsageError, match="timm already has another model called resnetzoo_taken, from test_timm"
    ):
        interop.register_networks()


# What timm's own tests ask of every model


@pytest.mark.parametrize("name", USUAL)
def test_forward(name: str) -> None:
    model = create(name).eval()
    ours = resnetzoo.CifarNet(model.spec).eval()
    ours.load_state_dict(model.state_dict())
    assert list(model.state_dict()) == list(ours.state_dict())
    images = images_for(model)
    with torch.inference_mode():
        logits = model(images)
        torch.testing.assert_close(logits, ours(images))
        assert logits.shape == (2, 10)
        assert logits.isfinite().all()
        model.set_grad_checkpointing()
        torch.testing.assert_close(model(images), logits)


@pytest.mark.parametrize("name", USUAL)
def test_backward(name: str) -> None:
    model = create(name, num_classes=42)
    logits = model(images_for(model))
    logits.mean().backward()
    assert logits.shape == (2, 42)
    without = [path for path, parameter in model.named_parameters() if parameter.grad is None]
    assert without == []
    assert logits.isfinite().all()


@pytest.mark.parametrize("name", [*USUAL, "resnet20.chenyaofo_c100"])
def test_the_configuration_is_true(name: str) -> None:
    model = create(name).eval()
    config = model.default_cfg
    assert config is model.pretrained_cfg
    assert_names_are_true(model)
    images = images_for(model, 1)
    with torch.inference_mode():
        features = model.forward_features(images)
        pooled = model.forward_head(features, pre_logits=True)
        assert features.shape == (1, model.num_features, *config["pool_size"])
        assert pooled.shape == (1, model.head_hidden_size)
        assert model(images).shape == (1, config["num_classes"]) == (1, model.num_classes)
        model.reset_classifier(0)
        assert model.num_classes == 0
        assert torch.equal(model(images), pooled)
        model.reset_classifier(0, "")
        assert torch.equal(model(images), features)
        model.reset_classifier(3, "avg")
        assert model(images).shape == (1, 3)
        unpooled = create(name, num_classes=0, global_pool="").eval()
        assert unpooled(images).shape == features.shape


@pytest.mark.parametrize("name", DEEPEST + WIDE)
def test_the_configuration_of_the_deepest_and_the_widest(name: str) -> None:
    with torch.device("meta"):
        model = create(name)
    assert_names_are_true(model)
    last = model.feature_info[-1]
    assert last["num_chs"] == model.num_features
    assert last["reduction"] == 2 ** (len(model.spec.widths) - 1)


def test_the_classifier_has_the_name_that_timm_gives_its_own() -> None:
    theirs = importlib.import_module("timm.models.resnet").resnet18
    with torch.device("meta"):
        expected = theirs().get_classifier(name_only=True)
    for ours in (create("resnet20"), resnetzoo.create("resnet20")):
        assert ours.get_classifier(name_only=True) == expected
        assert ours.get_classifier() is ours.get_classifier(name_only=False) is getattr(ours, expected)


def assert_names_are_true(model: Any) -> None:
    names = set(model.state_dict())
    assert {f"{model.default_cfg[key]}.weight" for key in ("classifier", "first_conv")} <= names
    assert model.get_classifier() is model.get_submodule(model.default_cfg["classifier"])
    assert model.get_classifier(name_only=True) == model.default_cfg["classifier"]


@pytest.mark.parametrize("name", USUAL)
def test_feature_maps_are_those_of_the_stages(name: str) -> None:
    model = create(name).eval()
    info = timm.models.FeatureInfo(copy.deepcopy(model.feature_info), (0, 1, 2))
    widths = [width * model.num_features // model.spec.widths[-1] for width in model.spec.widths]
    assert (info.channels(), info.reduction()) == (widths, [1, 2, 4])
    images = images_for(model)
    with torch.inference_mode():
        last, maps = model.forward_intermediates(images)
        assert [tuple(found.shape) for found in maps] == [
            (2, width, 32 >> i, 32 >> i) for i, width in enumerate(widths)
        ]
        assert torch.equal(last, model.forward_features(images))
        normed = model.forward_intermediates(images, norm=True, intermediates_only=True)
        assert torch.equal(normed[-1], last)
        assert torch.equal(model.forward_intermediates(images, indices=[1, -1], intermediates_only=True)[0], maps[1])
        (by_numpy,) = model.forward_intermediates(images, indices=np.int64(1), intermediates_only=True)
        assert torch.equal(by_numpy, maps[-1])
        early, only = model.forward_intermediates(images, indices=[0], stop_early=True)
        assert len(only) == 1
        assert torch.equal(early, maps[0])
        model.set_grad_checkpointing()
        torch.testing.assert_close(model.forward_intermediates(images)[1], maps)
        state = model.state_dict()
        for kind in ("list", "getter"):
            extractor = create(name, num_classes=10, features_only=True, out_indices=(0, 1, 2), feature_cls=kind)
            inner = extractor.model if kind == "getter" else extractor
            inner.load_state_dict({key: state[key] for key in inner.state_dict()})
            torch.testing.assert_close(extractor.eval()(images), maps)
            assert extractor.feature_info.channels() == widths


@pytest.mark.parametrize("kind", FEATURE_CLASSES)
@pytest.mark.parametrize("name", KINDS)
def test_every_class_of_timm_takes_the_same_features(name: str, kind: str) -> None:
    torch.manual_seed(0)
    model = create(name).eval()
    torch.manual_seed(0)
    extractor = create(name, features_only=True, feature_cls=kind, out_indices=(1, -1)).eval()
    images = images_for(model)
    with torch.inference_mode():
        found = extractor(images)
        expected = model.forward_intermediates(images, indices=[1, 2], intermediates_only=True)
        torch.testing.assert_close(list(found.values()) if isinstance(found, dict) else found, expected)


@pytest.mark.parametrize("options", [{}, {"num_classes": 4}, {"pretrained": True}], ids=str)
@pytest.mark.parametrize("kind", FEATURE_CLASSES)
def test_features_need_no_pooling(kind: str, options: dict[str, Any]) -> None:
    extractors = []
    for pooling in ({}, {"global_pool": ""}):
        torch.manual_seed(0)
        extractors.append(create("resnet20", features_only=True, feature_cls=kind, **options, **pooling).eval())
    usual, unpooled = extractors
    images = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(unpooled(images), usual(images))


@pytest.mark.parametrize("indices", [1, [0], [1]])
@pytest.mark.parametrize("name", KINDS)
def test_pruning_leaves_the_stages_that_are_asked_for(name: str, indices: Any) -> None:
    model = create(name).eval()
    images = images_for(model)
    with torch.inference_mode():
        expected = model.forward_intermediates(images, indices, intermediates_only=True)
        taken = model.prune_intermediate_layers(indices, prune_norm=True)
        assert taken == ([2] if indices == 1 else indices)
        last, found = model.forward_intermediates(images, taken)
        torch.testing.assert_close(found, expected)
        assert torch.equal(last, expected[-1])
        assert model(images).shape == last.shape
    assert model.num_features == last.shape[1]


@pytest.mark.parametrize("name", KINDS)
def test_script_trace_pickle_and_copy(name: str) -> None:
    model = create(name, scriptable=True, exportable=True, drop_rate=0.1).eval()
    images = images_for(model)
    extractor = create(name, features_only=True).eval()
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # torch calls its own scripting deprecated
        torch.testing.assert_close(torch.jit.script(model)(images), model(images))
        torch.testing.assert_close(torch.jit.script(extractor)(images), extractor(images))
    for twin in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), torch.fx.symbolic_trace(model)):
        torch.testing.assert_close(twin(images), model(images))


@pytest.mark.parametrize("checkpointing", [False, True], ids={False: "plainly", True: "checkpointing"}.get)
@pytest.mark.parametrize("name", KINDS)
def test_every_export_takes_it_without_a_warning(name: str, checkpointing: bool, tmp_path: Path) -> None:
    model = create(name).eval()
    model.set_grad_checkpointing(checkpointing)
    images = images_for(model)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        resnetzoo.export_torchscript(model, tmp_path / "network.pt")
        resnetzoo.export_program(model, tmp_path / "network.pt2")
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # torch calls its own scripting deprecated
        torch.testing.assert_close(torch.jit.load(tmp_path / "network.pt")(images), model(images))
        torch.testing.assert_close(torch.jit.script(model)(images), model(images))
        torch.testing.assert_close(torch.export.load(tmp_path / "network.pt2").module()(images), model(images))


@pytest.mark.parametrize("name", KINDS)
def test_every_function_of_the_package_takes_it(name: str, tmp_path: Path, tiny_data: resnetzoo.Data) -> None:
    model = create(name).eval()
    images = images_for(model)
    for module in model.modules():  # norms that do something
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_var, 0.5, 2)
    fused = fuse_batch_norm(model)
    assert isinstance(fused.bn1, nn.Identity)
    torch.testing.assert_close(fused(images), model(images), rtol=1e-3, atol=1e-4)
    resnetzoo.save_weights(model, tmp_path / "mine.safetensors")
    again = resnetzoo.load_checkpoint(tmp_path / "mine.safetensors")
    assert resnetzoo.evaluate(again, tiny_data.test).loss == resnetzoo.evaluate(model, tiny_data.test).loss


# What people type


def test_dropout_acts_in_training_alone() -> None:
    model = create("resnet20", drop_rate=0.5)
    features = torch.ones(2, 64, 8, 8)
    assert {0.0, 2.0} == set(model.forward_head(features, pre_logits=True).flatten().tolist())
    assert torch.equal(model.eval().forward_head(features, pre_logits=True), torch.ones(2, 64))


def test_our_own_words_work_as_well() -> None:
    model = create("resnet20", in_chans=1, shortcut="projection", zero_init_residual=True)
    assert model.spec == resnetzoo.ModelSpec("residual", 20, "basic", "projection", in_chans=1, zero_init_residual=True)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("resnet20", {"drop_path_rate": 0.1}, "have no drop_path_rate; they accept num_classes, in_chans, drop_rate"),
        ("resnet20", {"numclasses": 3}, "have no numclasses"),
        ("resnet20", {"drop_rate": 2}, "drop_rate must be from 0 to 1, not 2"),
        ("resnet20", {"drop_rate": "0.5"}, "drop_rate must be a number, such as 0.1, not '0.5'"),
        ("resnet20", {"drop_rate": True}, "drop_rate must be a number, such as 0.1, not True"),
        ("resnet20", {"num_classes": -2}, "num_classes must be a whole number from 1, not -2"),
        ("resnet20", {"global_pool": "max"}, 'global_pool must be "avg", or "" for none, not \'max\''),
        ("resnet20", {"global_pool": ""}, "a classifier needs pooled features"),
        ("resnet20", {"out_indices": (0, 1)}, "out_indices without features_only=True"),
        ("resnet20", {"features_only": True, "out_indices": (1, 4)}, "have 3 stages, with the indices 0 to 2, not (1,"),
        ("resnet20", {"features_only": True, "out_indices": 5}, "have 3 stages, so the last 5 are not available"),
        ("plainnet20", {"shortcut": "projection"}, "plain networks have no shortcuts"),
        ("resnet20.fast", {}, 'no weights are called "resnet20.fast"; there is resnet20.modern_c10'),
        ("resnet20.modern_c10", {"shortcut": "projection"}, 'has shortcut="identity", not "projection"'),
        ("resnet20", {"pretrained": True, "zero_init_residual": True}, "zero_init_residual is for fresh weights"),
        (
            "preresnet20",
            {"pretrained": True},
            "preresnet20 has no weights; networks that have: plainnet20, plainnet56, resnet20, resnet32",
        ),
    ],
)
def test_what_cannot_be_meant(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(resnetzoo.UsageError) as caught:
        create(name, **options)
    assert message in str(caught.value)


def test_features_are_nchw_and_images_are_checked() -> None:
    model = create("resnet20")
    with pytest.raises(resnetzoo.UsageError, match="output_fmt='NHWC'"):
        model.forward_intermediates(images_for(model), output_fmt="NHWC")
    with pytest.raises(ValueError, match=r"expected images of shape \(N, 3, H, W\), found \[3, 32, 32\]"):
        model(torch.randn(3, 32, 32))


@pytest.mark.parametrize("indices", ["a", [0.5], 2.5, np.array(2.0), np.array([0.0, 2.0]), [[0]]], ids=repr)
def test_indices_that_count_no_stages(indices: Any) -> None:
    model = create("resnet20")
    for call in (
        lambda: model.forward_intermediates(images_for(model), indices=indices),
        lambda: model.prune_intermediate_layers(indices),
    ):
        with pytest.raises(resnetzoo.UsageError, match=r"indices of stages must be whole numbers, such as \[0, 2\]"):
            call()


@pytest.mark.parametrize(
    "indices", [np.array([0, 2]), np.array([-3, -1], np.int8), torch.tensor([0, 2]), (0, np.int64(2))], ids=str
)
def test_indices_in_an_array(indices: Any) -> None:
    """As timm's own networks take them."""
    model = create("resnet20").eval()
    images = images_for(model)
    expected = model.forward_intermediates(images, indices=[0, 2], intermediates_only=True)
    torch.testing.assert_close(model.forward_intermediates(images, indices=indices, intermediates_only=True), expected)
    assert model.prune_intermediate_layers(indices) == [0, 2]
