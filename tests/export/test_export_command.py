"""The command export."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from cases import TINY_RECIPE, Call, assert_one_line, small_network, small_synthetic
from torch import Tensor

import resnetzoo
from resnetzoo import cli
from resnetzoo.errors import DataError
from resnetzoo.export import FORMATS
from resnetzoo.utils.run_names import STATES

Run = Callable[[Tensor], Tensor]


def load_torchscript(path: Path) -> Run:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls its own scripting deprecated
        return torch.jit.load(path)


@pytest.fixture(params=list(FORMATS))
def word(request: pytest.FixtureRequest) -> str:
    if request.param == "onnx":
        pytest.importorskip("onnxruntime")
        pytest.importorskip("onnxscript")
    return str(request.param)


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (
            ("resnet20", "--format", "tflite"),
            2,
            "--format must be one of onnx, torch-export, torchscript, safetensors, not",
        ),
        (
            ("resnet20", "--format", "onnx", "--out", "a.pt"),
            2,
            "files that end in .onnx, not to a.pt",
        ),
        (
            ("resnet20", "--format", "torch-export", "--out", "a.pt"),
            2,
            "files that end in .pt2, not to a.pt",
        ),
        (
            ("resnet20", "--format", "safetensors", "--preprocessing"),
            2,
            "safetensors files contain weights and no graph",
        ),
        (("preresnet20", "--format", "torchscript"), 2, "preresnet20 has no weights; networks that have"),
        (("nowhere.pt", "--format", "torchscript"), 1, "nowhere.pt: no such checkpoint"),
    ],
)
def test_a_mistake_gets_one_line(call: Call, words: tuple[str, ...], status: int, message: str) -> None:
    assert_one_line(call(cli.main, "export", *words), status, message)


def test_from_a_terminal(call: Call, tiny_model: resnetzoo.CifarNet) -> None:
    assert call(cli.main, "export", "resnet20", "--format", "torchscript", "--preprocessing") == (0, "")
    run = load_torchscript(Path("resnet20.pt"))
    assert run(torch.zeros(3, 32, 32, 3, dtype=torch.uint8)).shape == (3, 10)
    resnetzoo.save_weights(tiny_model, "mine.safetensors")
    assert call(cli.main, "export", "mine.safetensors", "--format", "torchscript", "--out", "out/mine.pt") == (0, "")
    assert load_torchscript(Path("out/mine.pt"))(torch.zeros(3, 3, 32, 32)).shape == (3, 10)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("resnet8.pt", ("resnet8.pt", "--format", "torchscript")),
        ("mine.safetensors", ("mine.safetensors", "--format", "safetensors", "--out", "./mine.safetensors")),
    ],
)
def test_the_file_that_is_exported_stays(
    call: Call, tiny_model: resnetzoo.CifarNet, file: str, words: tuple[str, ...]
) -> None:
    if file.endswith(".pt"):
        torch.save(tiny_model.state_dict(), file)
    else:
        resnetzoo.save_weights(tiny_model, file)
    before = Path(file).read_bytes()
    assert_one_line(
        call(cli.main, "export", *words), 2, "is the file that is being exported: choose another name with --out"
    )
    assert Path(file).read_bytes() == before


@pytest.mark.parametrize("name", [*STATES, "test_logits.safetensors"])
@pytest.mark.parametrize("exported", ["run", "resnet20"])
def test_the_files_of_a_run_stay(call: Call, tiny_model: resnetzoo.CifarNet, exported: str, name: str) -> None:
    """Those of the run that is exported, and of any other; by the functions too."""
    Path("run").mkdir()
    torch.save(tiny_model.state_dict(), "run/checkpoint.pt")
    Path("run", "run.json").write_text("{}\n")
    path = Path("run", name)
    if name != "checkpoint.pt":
        path.write_bytes(b"finished work")
    before = path.read_bytes()
    word = "torchscript" if name.endswith(".pt") else "safetensors"
    said = call(cli.main, "export", exported, "--format", word, "--out", f"run/../run/{name}")
    assert_one_line(said, 2, f"{name} is a file of the run whose ")
    with pytest.raises(resnetzoo.UsageError, match="is a file of the run whose"):
        FORMATS[word].export(tiny_model, path)
    if word == "safetensors":
        with pytest.raises(resnetzoo.UsageError, match="is a file of the run whose"):
            resnetzoo.save_weights(tiny_model, path)
    assert path.read_bytes() == before


def test_a_file_of_ones_own_may_have_any_name(tiny_model: resnetzoo.CifarNet) -> None:
    for _ in range(2):
        FORMATS["torchscript"].export(tiny_model, Path("checkpoint.pt"))


def test_default_names_tell_rows_apart(call: Call) -> None:
    row = resnetzoo.list_weights("resnet20.*")[0]
    for word in (row.network, row.name):
        assert call(cli.main, "export", word, "--format", "safetensors") == (0, "")
        assert Path(f"{word}.safetensors").is_file()


@pytest.mark.parametrize("there", ["weights", "folder", "broken link", "an earlier export"])
def test_a_name_that_nobody_typed_replaces_nothing(
    call: Call, tiny_model: resnetzoo.CifarNet, word: str, there: str
) -> None:
    """Neither somebody's weights of that name nor the export of another file."""
    resnetzoo.save_weights(tiny_model, "best.safetensors")
    torch.save(tiny_model.state_dict(), "ck.pt")
    name = f"resnet8{FORMATS[word].suffix}"
    path = Path(name)
    if there == "weights":
        path.write_bytes(b"somebody's weights")
    elif there == "folder":
        path.mkdir()
    elif there == "broken link":
        path.symlink_to("nowhere")
    else:
        assert call(cli.main, "export", "best.safetensors", "--format", word) == (0, "")
    before = path.read_bytes() if path.is_file() else None
    said = call(cli.main, "export", "ck.pt", "--format", word)
    assert_one_line(said, 2, f"{name} already exists: choose another name with --out, or replace it by --out {name}")
    assert (path.read_bytes() if path.is_file() else None) == before
    assert path.is_dir() == (there == "folder")
    assert path.is_symlink() == (there == "broken link")


def test_a_name_that_was_typed_replaces_the_file(call: Call, tiny_model: resnetzoo.CifarNet) -> None:
    resnetzoo.save_weights(tiny_model, "mine.safetensors")
    Path("resnet8.pt").write_bytes(b"an earlier export")
    words = ("mine.safetensors", "--format", "torchscript", "--out", "resnet8.pt")
    assert call(cli.main, "export", *words) == (0, "")
    assert load_torchscript(Path("resnet8.pt"))(torch.zeros(3, 3, 32, 32)).shape == (3, 10)


@pytest.mark.parametrize("dataset", ["synthetic", "cifar10"])
@pytest.mark.parametrize("averaged", [False, True])
def test_an_exported_network_is_measured_on_the_dataset_of_its_classes(
    call: Call,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    dataset: str,
    averaged: bool,
) -> None:
    data = replace(small_synthetic(), name=dataset)
    for part in (data.train, data.test):
        object.__setattr__(part, "classes", resnetzoo.classes_of(dataset))
    recipe = replace(TINY_RECIPE, ema_decay=0.9 if averaged else None)
    resnetzoo.fit(small_network(0), data, recipe, out=tmp_path / "run", device="cpu", progress=False)
    assert call(cli.main, "export", "run", "--format", "safetensors", "--out", "a.safetensors")[0] == 0
    asked: list[str] = []

    def load(name: str, *_: object, **__: object) -> resnetzoo.Data:
        asked.append(name)
        return data

    monkeypatch.setattr(resnetzoo, "load_data", load, raising=False)
    assert call(cli.main, "eval", "a.safetensors", "--device", "cpu") == (0, "")
    assert asked == [dataset]


@pytest.mark.parametrize(
    ("classes", "dataset"),
    [
        (resnetzoo.classes_of("cifar10")[::-1], "cifar10"),
        ((*resnetzoo.classes_of("synthetic")[1:], "disc"), "synthetic"),
        (tuple("abcdefghij"), "cifar10"),
    ],
)
def test_a_file_is_measured_on_the_dataset_with_its_classes_or_with_as_many(
    call: Call, monkeypatch: pytest.MonkeyPatch, classes: tuple[str, ...], dataset: str
) -> None:
    model = small_network(0)
    model.classes = classes
    resnetzoo.save_weights(model, "a.safetensors")
    monkeypatch.setattr(resnetzoo, "load_data", _asked_for, raising=False)
    assert_one_line(call(cli.main, "eval", "a.safetensors"), 1, f"asked for {dataset}")


def _asked_for(name: str, *_: object, **__: object) -> resnetzoo.Data:
    raise DataError(f"asked for {name}")


def test_classes_of_no_known_dataset_need_the_option(call: Call) -> None:
    resnetzoo.save_weights(resnetzoo.create("resnet8", num_classes=7), "a.safetensors")
    said = call(cli.main, "eval", "a.safetensors")
    assert_one_line(said, 2, "does not say on which dataset its 7 classes were trained; pass --dataset")
