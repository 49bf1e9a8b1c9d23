"""Paths of the Python API may be strings, and begin with a `~`; what the command line takes is in tests/cli."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cases import TINY_RECIPE, small_network

import resnetzoo
from resnetzoo import plots, report


def kept_run(data: resnetzoo.Data, out: str | Path) -> resnetzoo.Run:
    return resnetzoo.fit(small_network(0), data, TINY_RECIPE, device="cpu", out=out, progress=False)


WRITERS: dict[str, Callable[[resnetzoo.Run, str], object]] = {
    "figures.csv": lambda _, path: report.write_csv(path, [{"error": 1.0}]),
    "results": lambda run, path: report.save_results([run], path),
    "curves.png": lambda run, path: plots.save_comparison([run], path, title="one run", source={}),
    "network.svg": lambda run, path: plots.save_drawing(run.spec, path),
    "test.png": lambda run, path: draw_test(run, path),
    "logits.safetensors": lambda run, path: run.logits and run.logits.save(path),
    "weights.safetensors": lambda run, path: resnetzoo.save_weights(run.model, path),  # type: ignore[arg-type]
    "network.pt2": lambda run, path: resnetzoo.export_program(run.model, path),  # type: ignore[arg-type]
}


def draw_test(run: resnetzoo.Run, path: str) -> None:
    assert run.logits
    pair = run.logits.logits, run.logits.labels
    matrix = resnetzoo.metrics.confusion_matrix(*pair)
    resnetzoo.metrics.save_test_figure(path, resnetzoo.metrics.calibration(*pair), matrix, run.logits.classes)


READERS: dict[str, Callable[[str], object]] = {
    "run/run.json": resnetzoo.read_records,
    "run": resnetzoo.load_checkpoint,
    "logits.safetensors": resnetzoo.load_logits,
    "run/checkpoint.pt": resnetzoo.load_model,
}


@pytest.fixture
def run(tiny_data: resnetzoo.Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> resnetzoo.Run:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return kept_run(tiny_data, "~/run")


def test_a_home_folder_is_found_everywhere(run: resnetzoo.Run, tmp_path: Path) -> None:
    for name, write in WRITERS.items():
        write(run, f"~/{name}")
        assert (tmp_path / "home" / name).exists()
    for name, read in READERS.items():
        assert read(f"~/{name}")
    assert not Path("~").exists()


def test_nobodys_home_is_an_error_of_one_line(run: resnetzoo.Run) -> None:
    calls = [lambda write=write, name=name: write(run, f"~nosuch/{name}") for name, write in WRITERS.items()]
    calls += [lambda read=read, name=name: read(f"~nosuch/{name}") for name, read in READERS.items()]
    for call in calls:
        with pytest.raises(
            resnetzoo.UsageError, match=r'^~nosuch/\S+: there is no user "nosuch", or write \./~nosuch/'
        ):
            call()
    assert not Path("~nosuch").exists()


@pytest.mark.parametrize("folder", [".", "..", "/"])
def test_a_folder_in_place_of_a_file_is_an_error_of_one_line(run: resnetzoo.Run, folder: str) -> None:
    for name, write in WRITERS.items():
        if name != "results":  # which is a folder
            with pytest.raises(resnetzoo.ResnetzooError, match=rf"{folder}( |:|$)"):
                write(run, folder)
