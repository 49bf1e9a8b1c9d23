"""File names that are no UTF-8, as those of old archives: whatever is drawn or written of them is drawn and written."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from cases import TINY_RECIPE, Call, small_network
from matplotlib.figure import Figure
from PIL import Image

import resnetzoo
from resnetzoo import analysis, cli, plots, report
from resnetzoo.interop.huggingface import HubCifarNet

NAME = "th\udce9"  # what Python makes of th\xe9
SHOWN = "th\N{REPLACEMENT CHARACTER}"


@pytest.fixture
def run(tmp_path: Path) -> resnetzoo.Run:
    """Trained on a folder of which it has a class."""
    random = np.random.default_rng(0)
    for name in (NAME, "tea"):
        (tmp_path / "bytes" / name).mkdir(parents=True)
        for number in range(10):
            image = Image.fromarray(random.integers(0, 256, (8, 8, 3), np.uint8))
            image.save(tmp_path / "bytes" / name / f"{number}.png")
    model, data = small_network(0), resnetzoo.load_data("folder", "bytes", size=8)
    model.reset_classifier(2)
    recipe = replace(TINY_RECIPE, steps=2, batch_size=8)
    return resnetzoo.fit(model, data, recipe, device="cpu", precision="fp32", out="run", progress=False)


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_pictures_of_classes(call: Call, suffix: str) -> None:
    for words in (["eval", "run", "--data-dir", "bytes", "--plot"], ["predict", "bytes", "--model", "run", "--sheet"]):
        status, errors = call(cli.main, *words, f"{words[0]}.{suffix}", "--device", "cpu")
        assert status == 0, errors
        assert Path(f"{words[0]}.{suffix}").stat().st_size > 1_000


def test_pictures_of_runs_and_measurements(run: resnetzoo.Run, tmp_path: Path) -> None:
    called = replace(run, name=NAME, data={**run.data, "name": NAME})
    for suffix in ("png", "svg"):
        plots.save_comparison([called], tmp_path / f"a.{suffix}", title=NAME, source={NAME: 5.0, f"{NAME}2": {1: 4.0}})
    figure = Figure()
    values = analysis.response_std(run.model, resnetzoo.load_data("folder", "bytes", size=8).test)
    analysis.plot_response_std(figure.subplots(), {NAME: values})
    axes = figure.subplots()
    analysis.plot_cka(axes, analysis.Similarity((NAME,), ("stem",), torch.ones(1, 1).numpy()))
    figure.savefig(tmp_path / "b.png")
    found = resnetzoo.Prediction(tmp_path / f"{NAME}.png", (NAME,), (1.0,), error=f"{NAME}: damaged")
    resnetzoo.save_sheet([found], "sheet.svg", title=NAME)


def test_files_of_runs(run: resnetzoo.Run, tmp_path: Path) -> None:
    called = replace(run, name=NAME, data={**run.data, "name": NAME})
    report.save_results([called], tmp_path / "out")
    assert resnetzoo.read_records(tmp_path / "out" / "results.json")[0].name == NAME
    with (tmp_path / "out" / "epochs.csv").open(encoding="utf-8") as file:
        assert next(csv.DictReader(file))["model"] == SHOWN
    HubCifarNet.of(run.model).save_pretrained(tmp_path / "hub")
    assert f"tea, {SHOWN}" in (tmp_path / "hub" / "README.md").read_text(encoding="utf-8")


def test_a_report_of_such_a_folder(tiny_data: resnetzoo.Data, tmp_path: Path) -> None:
    data = replace(tiny_data, source=f"/{NAME}, images resized")
    options = {"budget": "smoke", "seeds": [0], "depths": [20], "device": "cpu", "say": lambda line: None}
    resnetzoo.reproduce.reproduce("repeatability", data, out=tmp_path / "report", **options)  # type: ignore[arg-type]
    for name in ("report.md", "report.html"):
        assert f"Data: {SHOWN}, images resized" in (tmp_path / "report" / name).read_text(encoding="utf-8")
