"""The table of corruption errors, on small copies of CIFAR-10-C made on the spot."""

import json
import re
import shutil
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cases import small_network, write_corrupted, write_folder, write_new_test
from click.testing import Result
from typer.testing import CliRunner

import resnetzoo
from resnetzoo.cli.command_line import app
from resnetzoo.data.cifar_files import CIFAR10, CIFAR100
from resnetzoo.data.normalization import measure_normalization
from resnetzoo.data.robustness_files import CIFAR10_1, CIFAR10_C, CORRUPTIONS

pytestmark = pytest.mark.filterwarnings("ignore::resnetzoo.UnofficialDataWarning")
COUNT = 6


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """CIFAR-10-C, with as many images as the small copy of CIFAR-10 beside it has for the test."""
    folder = write_corrupted(tmp_path, CIFAR10_C, COUNT)
    write_folder(tmp_path, CIFAR10, "binary", COUNT)
    return folder


@pytest.fixture
def model() -> resnetzoo.CifarNet:
    """Takes noise for all classes alike, so that errors differ."""
    model, noise = small_network(0), torch.randn(64, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 1.0  # one batch is all that they know
        model(noise)
        model.eval().fc.bias -= model(noise).mean(dim=0)
    return model


def test_the_table_is_a_plain_count(folder: Path, model: resnetzoo.CifarNet) -> None:
    clean = resnetzoo.cifar10(folder.parent).test
    normalize = measure_normalization(clean.images, "channel")
    model.normalization = normalize
    seen: list[resnetzoo.CorruptionRow] = []
    table = resnetzoo.evaluate_corruptions(model, resnetzoo.cifar10_c(folder), clean=clean, on_row=seen.append)
    labels = np.load(folder / "labels.npy")
    wrong = {}
    for name in CORRUPTIONS:
        images = torch.from_numpy(np.load(folder / f"{name}.npy")).permute(0, 3, 1, 2)
        with torch.inference_mode():
            found = model(normalize(images)).argmax(dim=1).numpy()
        wrong[name] = 100 * (found != labels).reshape(5, COUNT).mean(axis=1)
    assert seen == list(table.rows)
    assert [row.name for row in table.rows] == list(CORRUPTIONS)
    for row in table.rows:
        assert row.errors == pytest.approx(wrong[row.name].tolist())
        assert row.mean == pytest.approx(wrong[row.name].mean())
    of_paper = [wrong[name] for name in CORRUPTIONS[:15]]
    assert table.mean_corruption_error == pytest.approx(np.mean(of_paper))
    assert table.mean_error_of_all == pytest.approx(np.mean([*wrong.values()]))
    assert table.by_severity == pytest.approx(np.mean(of_paper, axis=0).tolist())
    assert table.by_group["extra"] == pytest.approx(np.mean([wrong[name] for name in CORRUPTIONS[15:]]))
    assert table.clean is not None
    assert table.clean == resnetzoo.evaluate(model, clean)
    assert len({table.mean_corruption_error, table.mean_error_of_all, table.clean.error}) == 3


def test_corrupted_images_do_not_say_the_normalization(folder: Path, model: resnetzoo.CifarNet) -> None:
    corrupted, clean = resnetzoo.cifar10_c(folder), resnetzoo.cifar10(folder.parent).test
    with pytest.raises(
        resnetzoo.UsageError, match=r"cannot be computed from corrupted images: pass normalization=.*cifar10\(\)"
    ):
        resnetzoo.evaluate_corruptions(model, corrupted)
    normalization = clean.normalization("channel")
    of_clean = resnetzoo.evaluate_corruptions(model, corrupted, clean=clean)
    assert of_clean.rows == resnetzoo.evaluate_corruptions(model, corrupted, normalization=normalization).rows
    other = measure_normalization(clean.images // 4, "channel")
    table = resnetzoo.evaluate_corruptions(model, corrupted, normalization=other)
    assert table.clean is None
    assert table.rows != of_clean.rows
    for row in table.rows:
        foggy = corrupted.images(row.name, 2)
        assert row.errors[1] == resnetzoo.evaluate(model, foggy, normalization=other).error


def test_what_does_not_belong_together_is_refused(folder: Path, model: resnetzoo.CifarNet) -> None:
    corrupted, clean = resnetzoo.cifar10_c(folder), resnetzoo.cifar10(folder.parent).test
    shifted = replace(clean, labels=clean.labels.roll(1))
    for other in (shifted, clean.select(slice(3)), clean.with_classes((*clean.classes, "more"))):
        with pytest.raises(
            resnetzoo.UsageError, match="clean must be the 6 test images of cifar10 that were corrupted"
        ):
            resnetzoo.evaluate_corruptions(model, corrupted, clean=other)
    with pytest.raises(resnetzoo.UsageError, match=r"corrupted must be a result of .*, not an ImageSet"):
        resnetzoo.evaluate_corruptions(model, clean)  # type: ignore[arg-type]
    kinds: tuple[tuple[dict[str, Any], str], ...] = (
        (
            {"clean": resnetzoo.cifar10(folder.parent)},
            "clean must be a resnetzoo.ImageSet, not a Data: pass one of its",
        ),
        ({"clean": clean, "normalization": "x"}, "normalization must be of the class Normalization .*, not a str"),
        ({"clean": clean, "normalization": 0}, "normalization must be of the class Normalization .*, not an int"),
        ({"clean": clean, "on_row": "x"}, "on_row must be of the class Callable .*, not a str"),
    )
    for options, message in kinds:
        with pytest.raises(resnetzoo.UsageError, match=message):
            resnetzoo.evaluate_corruptions(model, corrupted, **options)
    grey, few = resnetzoo.create("resnet20", in_chans=1), resnetzoo.create("resnet20", num_classes=7)
    with pytest.raises(resnetzoo.UsageError, match="takes 1 channel, the images have 3"):
        resnetzoo.evaluate_corruptions(grey, corrupted, clean=clean)
    with pytest.raises(resnetzoo.UsageError, match="the network has 7 classes, but the images have 10"):
        resnetzoo.evaluate_corruptions(few, corrupted, clean=clean)


def test_classes_are_told_by_name_and_warned_of_once(folder: Path, model: resnetzoo.CifarNet) -> None:
    """As `evaluate` does, but not once for each of 95 sets."""
    corrupted, clean = resnetzoo.cifar10_c(folder), resnetzoo.cifar10(folder.parent).test
    expected = resnetzoo.evaluate_corruptions(model, corrupted, clean=clean)
    for classes, message in (
        (CIFAR10.classes[::-1], "their labels are converted to the network's order"),
        (CIFAR100.classes[:10], "the measurement says nothing about the network"),
    ):
        model.classes = classes
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            table = resnetzoo.evaluate_corruptions(model, corrupted, clean=clean)
        assert [str(warning.message).endswith(message) or message in str(warning.message) for warning in said] == [True]
        assert said[0].filename == __file__
        if classes[0] == "truck":  # the labels of the reversed order
            reversed_clean = resnetzoo.evaluate(model, replace(clean, labels=9 - clean.labels, classes=classes))
            assert table.clean is not None
            assert table.clean.error == reversed_clean.error
            assert table.rows != expected.rows
        else:
            assert table.rows == expected.rows


def test_eval_prints_the_table(folder: Path, model: resnetzoo.CifarNet) -> None:
    clean = resnetzoo.cifar10(folder.parent).test
    model.normalization = clean.normalization("channel")
    resnetzoo.save_weights(model, "weights.safetensors")

    def run(*words: str) -> str:
        command = ["eval", "weights.safetensors", "--device", "cpu", "--data-dir", str(folder), "--dataset", *words]
        return CliRunner().invoke(app, command, catch_exceptions=False).stdout

    printed = run("cifar10-c")
    table = resnetzoo.evaluate_corruptions(model, resnetzoo.cifar10_c(folder), clean=clean)
    assert re.search(rf"^clean_error +{round(resnetzoo.evaluate(model, clean).error, 4)}$", printed, re.MULTILINE)
    assert "no_clean_error" not in printed
    assert f"mean corruption error (15 corruptions): {table.mean_corruption_error:.2f} %" in printed
    assert f"mean error of all 19 corruptions: {table.mean_error_of_all:.2f} %" in printed
    assert all(name in printed for name in CORRUPTIONS)
    (folder.parent / "cifar-10-batches-bin").rename(folder.parent / "elsewhere")
    values = json.loads(run("cifar10-c", "--json"))
    assert {**values, "clean_error": table.to_dict()["clean_error"]}.items() >= table.to_dict().items()
    assert values["clean_error"] is None
    write_new_test(folder, CIFAR10_1["v4"])
    measured = resnetzoo.evaluate(model, resnetzoo.cifar10_1(folder, version="v4"))
    facts = json.loads(run("cifar10.1-v4", "--json"))
    assert (facts["measured_on"], facts["n"], facts["clean_error"]) == ("CIFAR-10.1 v4", 5, None)
    assert facts["no_clean_error"] == values["no_clean_error"] == "cifar10 was not found"
    assert facts["test_error"] == pytest.approx(measured.error)


@pytest.fixture
def evaluation(folder: Path, model: resnetzoo.CifarNet) -> Callable[..., Result]:
    """`resnetzoo eval` on the data above `folder`, of a state dict that says no normalization."""
    torch.save(model.state_dict(), "plain.pt")

    def run(dataset: str, *words: str, weights: str = "plain.pt") -> Result:
        command = ["eval", weights, "--device", "cpu", "--data-dir", str(folder.parent), "--dataset", dataset, *words]
        return CliRunner().invoke(app, command)

    return run


@pytest.mark.parametrize("dataset", ["cifar10-c", "cifar10.1"])
def test_eval_takes_no_normalization_from_other_test_images(
    folder: Path, model: resnetzoo.CifarNet, evaluation: Callable[..., Result], dataset: str
) -> None:
    write_new_test(folder.parent, CIFAR10_1["v6"])
    clean = resnetzoo.cifar10(folder.parent).test
    values = json.loads(evaluation(dataset, "--json").stdout)
    normalization = clean.normalization("channel")
    assert (values["measured_on"], values["official"]) == (
        {"cifar10-c": "CIFAR-10-C", "cifar10.1": "CIFAR-10.1 v6"}[dataset],
        False,
    )
    if dataset == "cifar10.1":
        measured = resnetzoo.evaluate(model, resnetzoo.cifar10_1(folder.parent), normalization=normalization)
        assert values["test_error"] == pytest.approx(measured.error)
    assert values["clean_error"] == pytest.approx(resnetzoo.evaluate(model, clean).error, abs=1e-4)
    (folder.parent / "cifar-10-batches-bin").rename(folder.parent / "elsewhere")
    error = evaluation(dataset).exception
    assert isinstance(error, resnetzoo.UsageError)
    for part in (
        "the network does not contain its input normalization",
        "cifar10 was not found",
        f'"resnetzoo data --dataset cifar10 --data-dir {folder.parent} --download"',
    ):
        assert part in str(error)
    assert "normalization=" not in str(error)
    model.normalization = normalization
    resnetzoo.save_weights(model, "stated.safetensors")
    assert evaluation(dataset, weights="stated.safetensors").exit_code == 0


def test_a_smaller_copy_takes_the_normalization_of_all_clean_images(
    folder: Path, model: resnetzoo.CifarNet, evaluation: Callable[..., Result]
) -> None:
    """Its clean error is of images that are not at hand, but the normalization does not depend on which they are."""
    normalization = resnetzoo.cifar10(folder.parent).test.normalization("channel")
    shutil.rmtree(folder)
    write_corrupted(folder.parent, CIFAR10_C, COUNT - 1)
    with pytest.warns(UserWarning, match=f"no clean error is measured: .* the {COUNT} test images"):
        values = json.loads(evaluation("cifar10-c", "--json").stdout)
    table = resnetzoo.evaluate_corruptions(model, resnetzoo.cifar10_c(folder), normalization=normalization)
    assert values["mean_corruption_error"] == pytest.approx(table.mean_corruption_error, abs=1e-4)
    assert values["clean_error"] is None


@pytest.mark.parametrize("dataset", ["cifar10-c", "cifar10.1"])
def test_eval_says_why_there_is_no_clean_error(
    folder: Path, model: resnetzoo.CifarNet, evaluation: Callable[..., Result], dataset: str
) -> None:
    write_new_test(folder.parent, CIFAR10_1["v6"])
    model.normalization = resnetzoo.cifar10(folder.parent).test.normalization("channel")
    resnetzoo.save_weights(model, "stated.safetensors")
    file = folder.parent / "cifar-10-batches-bin" / "test_batch.bin"
    if dataset == "cifar10-c":
        content = file.read_bytes()
        file.write_bytes(content[:3073])
        with pytest.warns(UserWarning, match="no clean error is measured: according to their labels"):
            printed = evaluation(dataset, weights="stated.safetensors").stdout
        assert (
            "no_clean_error     according to their labels, the 1 test images of cifar10 that were found are not"
            in printed
        )
    file.write_bytes(b"damaged")
    with pytest.warns(UserWarning, match=r"no clean error is measured: .*test_batch.bin"):
        printed = evaluation(dataset, weights="stated.safetensors").stdout
    assert re.search(r"no_clean_error +.*test_batch.bin: 7 bytes found", printed)
    assert "not found" not in printed
    file.parent.rename(folder.parent / "elsewhere")
    assert re.search(r"no_clean_error +cifar10 was not found", evaluation(dataset, weights="stated.safetensors").stdout)


def test_eval_measures_new_images_as_it_measures_others(folder: Path, evaluation: Callable[..., Result]) -> None:
    write_new_test(folder.parent, CIFAR10_1["v6"])
    usual, new = (json.loads(evaluation(dataset, "--json").stdout) for dataset in ("cifar10", "cifar10.1"))
    assert new.keys() - usual.keys() == {"official", "clean_error", "no_clean_error"}
    assert usual.keys() - new.keys() == {"fingerprint", "fingerprint_v1"}
    assert (len(new["error_by_class"]), np.sum(new["confusion_matrix"])) == (10, 5)
    printed = evaluation("cifar10.1", "--plot", "new.png").stdout
    assert Path("new.png").read_bytes().startswith(b"\x89PNG")
    assert re.search("^official +False$", printed, re.MULTILINE)
    assert "\nbrier  " in printed
    assert "\nconfused: " in printed
    assert "\nerror of airplane: " in printed
    refused = evaluation("cifar10-c", "--plot", "corrupted.png").exception
    assert isinstance(refused, resnetzoo.UsageError)
    assert "cifar10-c has one for each corruption and severity" in str(refused)
