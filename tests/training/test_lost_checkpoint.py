"""Folders without a checkpoint that hold other files of a run, or files of somebody else with their names."""

from pathlib import Path
from typing import Any

import pytest
from cases import small_network

import resnetzoo
from resnetzoo.errors import CheckpointError


@pytest.mark.parametrize(
    ("deleted", "found"),
    [
        (
            "checkpoint*",
            r"log\.jsonl, test_logits\.safetensors, run\.json of a finished run \(.*, TINY, seed 0\)",
        ),
        ("[cr]*", r"log\.jsonl, test_logits\.safetensors, but"),
        ("[crt]*", r"log\.jsonl, but"),
    ],
)
@pytest.mark.parametrize("seed", [0, 7])
def test_what_is_left_of_a_run_without_its_checkpoint_is_not_overwritten(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path, deleted: str, found: str, seed: int
) -> None:
    """Neither by another run nor by the same one, which would not be the same on CUDA."""
    out = tmp_path / "run"
    resnetzoo.fit(small_network(0), tiny_data, tiny_recipe, device="cpu", out=out, progress=False)
    for path in out.glob(deleted):
        path.unlink()
    assert_refused(out, found, tiny_data, tiny_recipe, seed)


@pytest.mark.parametrize("name", ["log.jsonl", "run.json", "test_logits.safetensors"])
def test_files_of_others_that_have_the_names_of_a_run_are_not_overwritten(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path, name: str
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / name).write_text('{"mine": 1}')
    assert_refused(tmp_path / "run", rf"{name}, but no checkpoint\.pt", tiny_data, tiny_recipe)


def assert_refused(out: Path, found: str, data: resnetzoo.Data, recipe: resnetzoo.Recipe, seed: int = 0) -> None:
    """A folder without a checkpoint, by every way to a run; it stays as it is, and `fresh` moves what it held."""
    kept = {path.name: path.read_bytes() for path in out.iterdir()}
    job = resnetzoo.Job(small_network(seed), recipe, seed, out)
    settings: dict[str, Any] = {"seed": seed, "precision": "fp32", "device": "cpu", "progress": False, "out": out}
    for train in (
        lambda: resnetzoo.fit(small_network(seed), data, recipe, **settings),
        lambda: resnetzoo.fit_many([job], data, precision="fp32", device="cpu", progress=False),
        lambda: resnetzoo.fit(small_network(seed), data, recipe, extend_to=3, **settings),
    ):
        with pytest.raises(CheckpointError, match=f"holds {found}.* overwrite what is left. Choose .* fresh=True does"):
            train()
        assert {path.name: path.read_bytes() for path in out.iterdir()} == kept
    resnetzoo.fit(small_network(seed), data, recipe, fresh=True, **settings)
    aside = out.with_name(f"{out.name}-old1")
    assert {path.name: path.read_bytes() for path in aside.iterdir()} == kept
