"""Trained weights in timm's functions, and what timm's scripts for training and validation touch."""

import importlib
from argparse import Namespace
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch
from packaging.version import Version
from PIL import Image
from torch import Tensor, nn

import resnetzoo
from resnetzoo.models.fingerprint import true_row
from resnetzoo.weights import catalog, hub

timm = pytest.importorskip("timm", reason="the interoperation with timm needs timm")
for part in ("data", "optim", "utils"):
    importlib.import_module(f"timm.{part}")
importlib.import_module("resnetzoo.interop.timm")  # which registers the networks


def create(name: str, **options: Any) -> Any:
    return timm.create_model(f"resnetzoo_{name}", **options)


def images_for(model: Any, count: int = 2) -> Tensor:
    return torch.randn(count, *model.pretrained_cfg["input_size"], generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("row", [row for row in resnetzoo.list_weights() if row.packaged], ids=lambda row: row.name)
def test_packaged_weights(row: resnetzoo.Weights) -> None:
    ours = resnetzoo.create(row.network, weights=row.name)
    images = torch.randn(2, 3, 32, 32)
    is_default = row is resnetzoo.list_weights(f"{row.network}.*")[0]
    for name in [row.name, *([row.network] if is_default else [])]:
        model = create(name, pretrained=True).eval()
        assert torch.equal(model(images), ours(images))
        assert model.weights is row
        assert torch.equal(model.normalization.mean, ours.normalization.mean)
        assert true_row(model) is true_row(ours) is row
    with torch.no_grad():
        model.fc.weight.mul_(2)
    assert true_row(model) is None
    assert create(row.name).weights is None

    other = create(row.name, pretrained=True, in_chans=1, num_classes=5)
    torch.testing.assert_close(other.conv1.weight, ours.conv1.weight.sum(dim=1, keepdim=True))
    assert other.weights is other.classes is None
    headless = create(row.name, pretrained=True, num_classes=0).eval()
    torch.testing.assert_close(headless(images), ours.forward_head(ours.forward_features(images), pre_logits=True))
    for kind in ("list", "getter"):
        extractor = create(row.name, pretrained=True, features_only=True, feature_cls=kind).eval()
        torch.testing.assert_close(extractor(images)[-1], ours.forward_features(images))


@pytest.mark.parametrize("in_chans", [1, 2, 4, 6])
def test_other_channels_keep_what_is_known_of_the_images(in_chans: int) -> None:
    with pytest.warns(resnetzoo.CheckpointWarning, match="instead of 3 channels"):
        ours = resnetzoo.create("resnet20", weights=True, in_chans=in_chans)
    model = create("resnet20", pretrained=True, in_chans=in_chans).eval()
    assert (model.classes, model.weights) == (ours.classes, None)
    pixels = torch.randint(0, 256, (2, in_chans, 32, 32), dtype=torch.uint8)
    assert torch.equal(model.preprocess(pixels), ours.preprocess(pixels))
    torch.testing.assert_close(model(model.preprocess(pixels)), ours(ours.preprocess(pixels)))


def test_weights_of_others_are_kept_where_one_says_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = resnetzoo.get_weights("resnet20.chenyaofo_c100")
    ours = resnetzoo.create("resnet20", shortcut="projection", num_classes=100).eval()
    path = hub.path_of(row, tmp_path)
    torch.save(ours.state_dict(), path)
    with pytest.raises(resnetzoo.CheckpointError, match="not the file that was published"):
        create(row.name, pretrained=True, cache_dir=tmp_path)
    monkeypatch.setitem(catalog._ALL, row.name, replace(row, sha256=""))
    model = create(row.name, pretrained=True, cache_dir=tmp_path).eval()
    images = torch.randn(1, 3, 32, 32)
    assert torch.equal(model(images), ours(images))
    assert torch.equal(model.normalization.std, row.normalization.std)


def test_files_of_ones_own(tmp_path: Path) -> None:
    ours = resnetzoo.create("resnet20", num_classes=4).eval()
    images = torch.randn(1, 3, 32, 32)
    torch.save(ours.state_dict(), tmp_path / "mine.pt")
    model = create("resnet20", num_classes=4, checkpoint_path=tmp_path / "mine.pt").eval()
    assert torch.equal(model(images), ours(images))

    # akamaster's names, and a number of classes that timm is told not to know
    named = {f"module.{key.replace('fc.', 'linear.')}": tensor for key, tensor in ours.state_dict().items()}
    torch.save({"state_dict": named}, tmp_path / "theirs.th")
    overlay = {"file": str(tmp_path / "theirs.th"), "num_classes": -1}
    model = create("resnet20", num_classes=7, pretrained=True, pretrained_cfg_overlay=overlay).eval()
    assert torch.equal(model.forward_features(images), ours.forward_features(images))
    assert model.weights is None
    assert model(images).shape == (1, 7)


# timm before 1.0.26 writes safetensors into such a folder but cannot read them from it.
READABLE = [True, False] if Version(timm.__version__) >= Version("1.0.26") else [False]


@pytest.mark.parametrize("safetensors", READABLE, ids={True: "safetensors", False: "pickle"}.get)
def test_a_folder_of_timms_own(tmp_path: Path, safetensors: bool) -> None:
    model = create("resnet20", shortcut="projection", num_classes=4).eval()
    saved = tmp_path / "saved"
    timm.models.save_for_hf(model, saved, safe_serialization=safetensors, model_args={"shortcut": "projection"})
    again = timm.create_model(f"local-dir:{saved}", pretrained=True).eval()
    images = images_for(model)
    assert torch.equal(again(images), model(images))


def test_images_are_prepared_as_in_training() -> None:
    model = create("resnet20", pretrained=True)
    config = timm.data.resolve_model_data_config(model)
    assert (config["input_size"], config["crop_pct"], config["interpolation"]) == ((3, 32, 32), 1.0, "bicubic")
    image = Image.effect_mandelbrot((32, 32), (-2, -1.5, 1, 1.5), 50).convert("RGB")
    prepared = timm.data.create_transform(**config, is_training=False)(image)
    torch.testing.assert_close(prepared, model.preprocess(image), atol=1e-5, rtol=1e-5)


def test_a_training_step_with_layer_decay_and_averaged_weights(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = create("preresnet20", drop_rate=0.0, num_classes=4)
    groups = [timm.models.group_parameters(model, model.group_matcher(coarse)) for coarse in (False, True)]
    assert [len(found) for found in groups] == [11, 5]  # the stem, 9 blocks or 3 stages, the classifier
    optimizer = timm.optim.create_optimizer_v2(model, opt="sgd", lr=0.1, weight_decay=1e-4, layer_decay=0.7)
    scales = sorted({round(group["lr_scale"], 6) for group in optimizer.param_groups})
    assert scales == pytest.approx([0.7**depth for depth in range(10, -1, -1)], abs=1e-6)
    decayed = {parameter for group in optimizer.param_groups if group["weight_decay"] for parameter in group["params"]}
    assert decayed == {parameter for parameter in model.parameters() if parameter.dim() > 1}

    averaged = timm.utils.ModelEmaV3(model, decay=0.5)
    model.set_grad_checkpointing(enable=True)
    nn.functional.cross_entropy(model(images_for(model)), torch.tensor([0, 1])).backward()
    before = model.fc.bias.detach().clone()
    optimizer.step()
    averaged.update(model)
    torch.testing.assert_close(averaged.module.fc.bias, (before + model.fc.bias) / 2)

    saver = timm.utils.CheckpointSaver(model, optimizer, model_ema=averaged, checkpoint_dir=tmp_path, max_history=1)
    saver.save_checkpoint(epoch=0, metric=1.0)
    again = create("preresnet20", num_classes=4)
    timm.models.load_checkpoint(again, str(tmp_path / "last.pth.tar"), use_ema=False)
    assert torch.equal(again.fc.bias, model.fc.bias)
    assert timm.models.safe_model_name("resnetzoo_resnet20.modern_c10") == "resnetzoo_resnet20_modern_c10"


def test_validation_changes_nothing_about_the_network() -> None:
    model = create("resnet20", pretrained=True).eval()
    images = images_for(model)
    same = timm.utils.reparameterize_model(model)
    torch.testing.assert_close(same(images), model(images))
    pooled, changed = timm.layers.apply_test_time_pool(model, timm.data.resolve_model_data_config(model))
    assert (pooled is model, changed) == (True, False)


PLAIN = resnetzoo.create("plainnet20", seed=1)


def named(tmp_path: Path, form: str) -> Path:
    """The weights of a plain network in a file that says so, in one of several ways."""
    if form == "save_weights":
        resnetzoo.save_weights(PLAIN, tmp_path / "weights.safetensors")
        return tmp_path / "weights.safetensors"
    content = {"arch": "plainnet20", "args": Namespace(model="resnetzoo_plainnet20")}
    words = {"arch": ("arch",), "timm": ("args",)}[form]
    torch.save({key: content[key] for key in words} | {"state_dict": PLAIN.state_dict()}, tmp_path / "weights.pth")
    return tmp_path / "weights.pth"


@pytest.mark.parametrize("source", ["overlay", "configuration"])
@pytest.mark.parametrize("form", ["arch", "timm", "save_weights"])
def test_a_file_that_names_another_network_is_refused(tmp_path: Path, form: str, source: str) -> None:
    facts = {"file": str(named(tmp_path, form)), "num_classes": 10}
    options = {"pretrained_cfg_overlay" if source == "overlay" else "pretrained_cfg": facts}
    with pytest.raises(resnetzoo.CheckpointError, match=r"weights\..*plainnet20, and resnet20 was asked for"):
        create("resnet20", pretrained=True, **options)
    images = torch.randn(2, 3, 32, 32)
    assert torch.equal(create("plainnet20", pretrained=True, **options).eval()(images), PLAIN.eval()(images))


def test_a_dictionary_that_names_another_network_is_refused() -> None:
    overlay = {"state_dict": {"arch": "plainnet20", "state_dict": PLAIN.state_dict()}}
    with pytest.raises(resnetzoo.CheckpointError, match="its arch says plainnet20, and resnet20 was asked for"):
        create("resnet20", pretrained=True, pretrained_cfg_overlay=overlay)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("weights.pt", b"abc", "truncated or damaged, 3 bytes found"),
        ("weights.pt", b"", "empty: 0 bytes found"),
        ("weights.pt", b"\x1f\x8b\x08", "a file compressed by gzip; unpack it first"),
        ("weights.safetensors", b"abc", "truncated, damaged or not of safetensors, 3 bytes found"),
        ("weights.pt", None, "no such checkpoint"),
        ("weights.pt", [1, 2], "it holds a list of 2, not a dictionary of weights"),
        ("weights.pt", {"epoch": 3}, r"it holds no layer's weights, but 'epoch'"),
    ],
)
def test_a_file_that_cannot_be_loaded_is_refused_in_our_words(
    tmp_path: Path, name: str, content: object, message: str
) -> None:
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(resnetzoo.CheckpointError, match=rf"{name}: {message}"):
        create("resnet20", pretrained=True, pretrained_cfg_overlay={"file": str(path)})


@pytest.mark.parametrize("trusting", [True, False], ids={True: "trusting", False: "careful"}.get)
def test_what_timm_alone_reads_is_left_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusting: bool) -> None:
    network = resnetzoo.create("resnet20")
    torch.save({"state_dict": network.state_dict(), "made": Fraction(1, 2)}, tmp_path / "weights.pt")

    def read(file: str, **others: Any) -> Any:  # versions of timm differ in what they trust
        return torch.load(file, weights_only=not trusting)["state_dict"]

    for module in ("resnetzoo.interop.timm.stated", "timm.models._builder"):
        monkeypatch.setattr(f"{module}.load_state_dict", read)
    options = {"pretrained": True, "pretrained_cfg_overlay": {"file": tmp_path / "weights.pt"}}
    if trusting:
        assert torch.equal(create("resnet20", **options).fc.weight, network.fc.weight)
    else:
        with pytest.raises(resnetzoo.CheckpointError, match=r"asks for the code of fractions\.Fraction"):
            create("resnet20", **options)


def test_a_file_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    network = resnetzoo.create("resnet20")
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    model = create("resnet20", pretrained=True, pretrained_cfg_overlay={"file": "~/weights.pt"})
    assert torch.equal(model.fc.weight, network.fc.weight)


@pytest.mark.parametrize("source", ["file", "state_dict"])
def test_a_run_gives_its_tested_network_and_no_other_one_has_it(
    tmp_path: Path, tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, source: str
) -> None:
    recipe = replace(tiny_recipe, ema_decay=0.5)
    resnetzoo.fit(resnetzoo.plainnet(20), tiny_data, recipe, device="cpu", out=tmp_path / "run", progress=False)
    path = tmp_path / "run" / "checkpoint.pt"
    content = str(path) if source == "file" else torch.load(path, weights_only=True)
    options = {"pretrained": True, "pretrained_cfg_overlay": {source: content}}
    with pytest.raises(resnetzoo.CheckpointError, match="its network is plainnet20, and resnet20 was asked for"):
        create("resnet20", **options)
    averaged = resnetzoo.load_checkpoint(tmp_path / "run")
    assert not torch.equal(averaged.fc.weight, resnetzoo.load_checkpoint(path, key="model").fc.weight)
    images = torch.randn(2, 3, 32, 32)
    assert torch.equal(create("plainnet20", **options).eval()(images), averaged(images))


def test_a_file_that_names_another_architecture_is_warned_of(tmp_path: Path) -> None:
    state = resnetzoo.create("resnet20", shortcut="projection").state_dict()
    torch.save({"arch": "shakedropresnet20", "state_dict": state}, tmp_path / "weights.pth")
    overlay = {"file": str(tmp_path / "weights.pth")}
    with pytest.warns(resnetzoo.CheckpointWarning, match=r"its arch says shakedropresnet20, another architecture"):
        create("resnet20", pretrained=True, shortcut="projection", pretrained_cfg_overlay=overlay)
