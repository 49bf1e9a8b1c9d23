"""The short examples, each in its shortest form."""

import json
import os
import runpy
import signal
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from cases import ROOT
from PIL import Image
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook

import resnetzoo

Example = Callable[..., str]


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Example:
    """Run a script of examples/ in this process; what it prints."""

    def run(name: str, *words: str) -> str:
        monkeypatch.setattr(sys, "argv", [name, *words])
        former = signal.getsignal(signal.SIGINT)
        try:
            with pytest.raises(SystemExit) as stop:
                runpy.run_path(str(ROOT / "examples" / f"{name}.py"), run_name="__main__")
        finally:
            signal.signal(signal.SIGINT, former)
        if stop.value.code:
            raise SystemExit(capsys.readouterr().err)
        return capsys.readouterr().out

    return run


def test_every_example_is_tested_shown_and_says_how_it_is_started() -> None:
    tests = "".join(path.read_text() for path in (ROOT / "tests" / "end_to_end").glob("test_exampl*.py"))
    shown = (ROOT / "docs" / "examples.md").read_text()
    for path in (ROOT / "examples").glob("*.py"):
        assert path.stem in tests
        assert f"../examples/{path.name}" in shown
        assert f"examples/{path.name}" in path.read_text().split('"""')[1]


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.stem)
def test_every_example_explains_itself(example: Example, path: Path) -> None:
    needed = {"export_onnx": "onnxruntime", "log_to_tensorboard": "tensorboard", "timm_features": "timm"}
    pytest.importorskip(needed.get(path.stem, "resnetzoo"))
    said = example(path.stem, "--help")
    assert said.startswith("usage: ")
    assert path.read_text().split('"""')[1].splitlines()[0] in said


def test_classify_photo(example: Example, tmp_path: Path) -> None:
    Image.new("RGB", (60, 40), "skyblue").save(tmp_path / "photo.jpg")
    said = example("classify_photo", "photo.jpg").splitlines()
    assert len(said) == 3
    assert all(line.endswith("%") for line in said)


@pytest.fixture
def _pets(tmp_path: Path) -> None:
    for place, colour in enumerate(["red", "green"] * 6):
        folder = tmp_path / "pets" / colour
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40 + place, 50), colour).save(folder / f"{place}.png")


@pytest.mark.usefixtures("_pets")
def test_an_interrupted_finetuning_goes_on_by_the_command_that_is_printed(example: Example) -> None:
    steps = count(1)

    def stop(module: nn.Module, _: object) -> None:
        if isinstance(module, resnetzoo.CifarNet) and module.training and next(steps) == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    words = ("finetune_folder", "pets", "--epochs", "3", "--device", "cpu")
    hook = register_module_forward_pre_hook(stop)
    try:
        with pytest.raises(
            SystemExit, match=f"after step 2 of 3: saved in (.|\n)*to go on: python .*{' '.join(words[1:])}"
        ):
            example(*words)
    finally:
        hook.remove()
    assert "kept in runs/finetuned-pets\n" in example(*words)
    assert len(Path("runs/finetuned-pets/log.jsonl").read_text().splitlines()) == 3
    assert [path.name for path in Path("runs").iterdir()] == ["finetuned-pets"]


@pytest.mark.usefixtures("_pets")
def test_finetune_folder(example: Example, tmp_path: Path) -> None:
    said = example("finetune_folder", "pets", "--epochs", "1", "--device", "cpu")
    assert "error on 2 held-out images" in said
    assert resnetzoo.load_model("runs/finetuned-pets").classes == ("green", "red")
    assert "kept in runs/finetuned-pets-2" in example("finetune_folder", "pets", "--epochs", "1", "--device", "cpu")
    (tmp_path / "pets" / "blue").mkdir()
    with pytest.raises(SystemExit, match=r"error: .*blue"):
        example("finetune_folder", "pets", "--epochs", "1", "--device", "cpu")
    (tmp_path / "pets" / "blue" / "0.png").write_bytes(b"no image")
    with pytest.raises(SystemExit, match=r"error: .*0\.png"):
        example("finetune_folder", "pets", "--epochs", "1", "--device", "cpu")


def test_timm_features(example: Example, tmp_path: Path) -> None:
    pytest.importorskip("timm", reason="needs timm")
    (tmp_path / "photos").mkdir()
    for name, colour in (("sea", "navy"), ("sand", "wheat"), ("night", "#000070")):
        Image.new("RGB", (60, 40), colour).save(tmp_path / "photos" / f"{name}.png")
    said = {line.split()[0]: line.split()[1] for line in example("timm_features", "photos").splitlines()}
    assert said["sea.png"] == "night.png"
    assert said["night.png"] == "sea.png"


@pytest.mark.slow
def test_export_onnx(example: Example, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    Image.new("RGB", (60, 40), "skyblue").save(tmp_path / "photo.jpg")
    said = example("export_onnx", "photo.jpg", "--out", "resnet20.onnx").splitlines()
    photographed = example("classify_photo", "photo.jpg").splitlines()
    assert said[-3:] == photographed
    assert (tmp_path / "resnet20.onnx").is_file()


def test_export_onnx_chooses_no_name_of_a_file_that_may_be_there(example: Example) -> None:
    pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    with pytest.raises(SystemExit, match="the following arguments are required: --out"):
        example("export_onnx", "photo.jpg")


@pytest.mark.slow
@pytest.mark.usefixtures("few_images")
def test_log_to_tensorboard(example: Example, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="needs tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    words = (
        "--recipe",
        "SMOKE",
        "--epochs",
        "2",
        "--dataset",
        "synthetic",
        "--max-train-images",
        "128",
        "--every",
        "2",
    )
    assert "% test error; tensorboard --logdir runs/logged" in example("log_to_tensorboard", *words, "--device", "cpu")
    events = EventAccumulator("runs/logged").Reload()
    rows = [json.loads(line) for line in (tmp_path / "runs" / "logged" / "log.jsonl").read_text().splitlines()]
    for tag, field in (("test/error", "test_error"), ("test/loss", "test_loss")):
        assert [event.value for event in events.Scalars(tag)] == pytest.approx([row[field] for row in rows])
    losses = {event.step: event.value for event in events.Scalars("train/mean_loss")}
    assert losses == pytest.approx({2: rows[0]["train_loss"], 4: rows[1]["train_loss"]})
    assert [event.step for event in events.Scalars("train/lr")] == [2, 4]


@pytest.mark.usefixtures("few_images")
def test_loss_surface(example: Example, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="distinguishes airplane, .*, but the images show disc"):
        example("loss_surface", "surface.png", "--dataset", "synthetic", "--images", "8", "--points", "3")
    assert (tmp_path / "surface.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("few_images")
def test_two_gpus(example: Example) -> None:
    """On one process; several are the business of test_ranks."""
    words = (
        "--model",
        "resnet20",
        "--recipe",
        "SMOKE",
        "--epochs",
        "1",
        "--dataset",
        "synthetic",
        "--max-train-images",
        "128",
    )
    assert "% test error, 1 processes" in example("two_gpus", *words, "--device", "cpu")


@pytest.mark.parametrize("mode", ["I;16", "F"])
def test_export_onnx_refuses_samples_that_it_would_clip(example: Example, mode: str) -> None:
    pytest.importorskip("onnxruntime")
    Image.new(mode, (40, 40)).save("deep.tiff")
    with pytest.raises(SystemExit, match=f"deep.tiff has samples of more than 8 bits .mode {mode}"):
        example("export_onnx", "deep.tiff", "--out", "a.onnx")


@pytest.mark.parametrize("out", ["t", "s.foo"])
def test_loss_surface_refuses_a_picture_that_it_cannot_draw(example: Example, out: str) -> None:
    Path("t.png").touch()
    with pytest.raises(SystemExit, match=rf"end in \.png, \.svg or \.pdf, not to {out}"):
        example("loss_surface", out, "--dataset", "synthetic")
    assert not Path("t.png").read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("log_to_tensorboard", "--every", "0"), "every must be a number of steps from 1, not 0"),
        (("log_to_tensorboard", "--max-train-images", "0"), "train_images must be a whole number from 1"),
        (("two_gpus", "--max-train-images", "0"), "train_images must be a whole number from 1"),
    ],
)
def test_a_number_that_cannot_be_is_refused(example: Example, words: tuple[str, ...], message: str) -> None:
    pytest.importorskip("tensorboard")
    with pytest.raises(SystemExit, match=message):
        example(*words, "--dataset", "synthetic", "--out", "out")
    assert not Path("out").exists()


def test_timm_features_names_networks_that_are_similar_and_skips_what_is_no_image(example: Example) -> None:
    pytest.importorskip("timm")
    photos = Path("photos")
    photos.mkdir()
    for name in ("a.png", "b.png"):
        Image.new("RGB", (40, 40), "red").save(photos / name)
    for name in ("._a.png", "c.pdf"):
        (photos / name).touch()
    (photos / "d.png").mkdir()
    assert len(example("timm_features", "photos").splitlines()) == 2
    with pytest.raises(SystemExit, match="resnet20"):
        example("timm_features", "photos", "--network", "resnet2o")
