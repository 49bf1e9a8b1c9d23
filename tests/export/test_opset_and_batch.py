"""ONNX in a chosen opset, and graphs for batches of any number of images or of one number."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from cases import Call, assert_one_line
from torch import Tensor

import resnetzoo
from resnetzoo import cli

KINDS = {
    "identity shortcuts": resnetzoo.ModelSpec("residual", 8, widths=(4, 8, 16)),
    "projections": resnetzoo.ModelSpec("preactivation", 8, shortcut="projection", widths=(4, 8, 16)),
}


def lived_in(spec: resnetzoo.ModelSpec) -> resnetzoo.CifarNet:
    torch.manual_seed(0)
    model = resnetzoo.CifarNet(spec)
    model(torch.randn(16, 3, 32, 32))
    model.normalization = resnetzoo.list_weights()[0].normalization
    return model.eval()


def check_onnx(
    path: Path, model: torch.nn.Module, opset: int | None, batch: int | None, make: Callable[..., Tensor]
) -> None:
    """The file as onnx reads it and onnxruntime runs it, at several batches or at the only one."""
    onnx = pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    proto = onnx.load(path)
    if opset is not None:
        assert [entry.version for entry in proto.opset_import if entry.domain == ""] == [opset]
    assert json.loads({entry.key: entry.value for entry in proto.metadata_props}["spec"])["depth"] == 8
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (given,), (put_out,) = session.get_inputs(), session.get_outputs()
    assert (given.shape[0], put_out.shape) == (batch or "batch", [batch or "batch", 10])
    for count in (1, 2, 7) if batch is None else (batch,):
        images = make(count)
        found = torch.from_numpy(session.run(None, {given.name: images.numpy()})[0])
        with torch.inference_mode():
            torch.testing.assert_close(found, model(images), rtol=0, atol=1e-4)
    if batch is not None:
        with pytest.raises(Exception, match="invalid dimensions"):
            session.run(None, {given.name: make(batch + 1).numpy()})


@pytest.mark.parametrize(
    ("kind", "opset", "batch", "pixels"),
    [
        ("identity shortcuts", 11, None, False),
        ("projections", 13, 4, True),
        ("identity shortcuts", 17, 1, True),
        ("projections", 17, None, False),
        pytest.param("identity shortcuts", 18, 3, False, marks=pytest.mark.slow),
        pytest.param("projections", None, 5, False, marks=pytest.mark.slow),
    ],
)
def test_onnx_in_an_opset_and_for_a_batch(kind: str, opset: int | None, batch: int | None, pixels: bool) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    network = lived_in(KINDS[kind])
    model = resnetzoo.WithPreprocessing(network) if pixels else network
    done = resnetzoo.export_onnx(model, "network.onnx", opset=opset, batch=batch)
    assert done.max_difference <= 1e-4

    def make(count: int) -> Tensor:
        if pixels:
            return torch.randint(0, 256, (count, 32, 32, 3), dtype=torch.uint8)
        return torch.randn(count, 3, 32, 32)

    check_onnx(done.path, model, opset, batch, make)


@pytest.mark.slow
def test_an_opset_later_than_the_first_is_the_one_that_is_written_or_refused() -> None:
    """torch 2.6 writes 18 whatever is asked for."""
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    model = lived_in(KINDS["projections"])
    try:
        done = resnetzoo.export_onnx(model, "network.onnx", opset=21)
    except resnetzoo.ExportError as error:
        assert "writes this network in opset 18, not 21: leave opset out, or use one from 11 to 18" in str(error)
        assert not Path("network.onnx").exists()
        return
    check_onnx(done.path, model, 21, None, lambda count: torch.randn(count, 3, 32, 32))


def test_a_program_for_one_batch() -> None:
    model = lived_in(KINDS["identity shortcuts"])
    run = torch.export.load(resnetzoo.export_program(model, "network.pt2", batch=4).path).module()
    images = torch.randn(4, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(run(images), model(images), rtol=0, atol=1e-4)
        with pytest.raises((RuntimeError, AssertionError)):
            run(images[:3])


@pytest.mark.parametrize("number", [0, -1, True, 2.0, "4"])
def test_numbers_that_cannot_be(number: object, tiny_model: resnetzoo.CifarNet) -> None:
    for function, path in ((resnetzoo.export_onnx, "a.onnx"), (resnetzoo.export_program, "a.pt2")):
        with pytest.raises(resnetzoo.UsageError, match="batch must be a whole number from 1, not"):
            function(tiny_model, path, batch=number)  # type: ignore[operator]
    with pytest.raises(resnetzoo.UsageError, match="opset must be a whole number from 11, not"):
        resnetzoo.export_onnx(tiny_model, "a.onnx", opset=number)  # type: ignore[arg-type]


def test_an_opset_that_there_is_not(tiny_model: resnetzoo.CifarNet) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    with pytest.raises(resnetzoo.UsageError, match=r"opset must be a whole number from 11 to \d+, not 99"):
        resnetzoo.export_onnx(tiny_model, "a.onnx", opset=99)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("torchscript", "--batch", "4"),
            "end in .pt have no batch, only those of onnx and torch-export: leave it out",
        ),
        (("safetensors", "--batch", "4"), "end in .safetensors have no batch, only those of onnx and torch-export"),
        (("torch-export", "--opset", "17"), "end in .pt2 have no opset, only those of onnx: leave it out"),
        (("torch-export", "--batch", "0"), "batch must be a whole number from 1, not 0"),
        (("onnx", "--opset", "6"), "opset must be a whole number from 11, not 6"),
    ],
)
def test_commands_refuse_what_a_format_does_not_take(call: Call, words: tuple[str, ...], message: str) -> None:
    assert_one_line(call(cli.main, "export", "resnet20", "--format", *words), 2, message)


def test_from_a_terminal(call: Call) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    model = lived_in(KINDS["identity shortcuts"])
    resnetzoo.save_weights(model, "mine.safetensors")
    words = ("mine.safetensors", "--format", "onnx", "--opset", "17", "--batch", "2", "--out", "mine.onnx")
    assert call(cli.main, "export", *words) == (0, "")
    check_onnx(Path("mine.onnx"), model, 17, 2, lambda count: torch.randn(count, 3, 32, 32))
