"""The callbacks of docs/how-to/callbacks.md for Weights & Biases and Optuna, by what these libraries made of them."""

import json
import struct
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from cases import ROOT
from markdown_blocks import blocks_of

import resnetzoo

TIMES = ("_runtime", "_timestamp", "_wandb")


def run_blocks(*words: str) -> dict[str, Any]:
    """The page's first block, of data and recipe, and then the one with these words."""
    first, *others = [block for block in blocks_of(ROOT / "docs/how-to/callbacks.md") if block.kind == "python"]
    (chosen,) = [block for block in others if all(word in block.code for word in words)]
    namespace: dict[str, Any] = {}
    for block in (first, chosen):
        exec(compile(block.code, "callbacks.md", "exec"), namespace)
    return namespace


@pytest.mark.filterwarnings("default")  # wandb's own
def test_weights_and_biases_keeps_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wandb = pytest.importorskip("wandb", reason="wandb is not installed")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    page = run_blocks("import wandb")
    (file,) = (tmp_path / "wandb").glob("offline-run-*/*.wandb")
    assert logged_rows(file.read_bytes()) == [{**asdict(row), "_step": row.step} for row in page["run"].epochs]
    assert wandb.run is None  # it is finished


def logged_rows(content: bytes) -> list[dict[str, Any]]:
    """The rows in the file of a run: a header of 7 bytes, and a log as LevelDB writes it, of blocks of 32 KiB."""
    from wandb.proto.wandb_internal_pb2 import Record

    rows, at, record = [], 7, b""
    while at + 7 <= len(content):
        if 32_768 - at % 32_768 < 7:  # the rest of a block that has no room for a header
            at += 32_768 - at % 32_768
        _, length, kind = struct.unpack_from("<IHB", content, at)
        record += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last part
            items = Record.FromString(record).history.item
            found = {(item.key or item.nested_key[0]): json.loads(item.value_json) for item in items}
            rows += [{name: value for name, value in found.items() if name not in TIMES}] if found else []
            record = b""
    return rows


@pytest.mark.filterwarnings("default")  # optuna's own
def test_optuna_prunes_a_trial_by_its_epochs() -> None:
    optuna = pytest.importorskip("optuna", reason="optuna is not installed")
    page = run_blocks("import optuna")
    study, epochs = page["study"], page["recipe"].epochs
    states = optuna.trial.TrialState
    assert len(study.trials) == 3
    for trial in study.trials:
        assert trial.state in (states.COMPLETE, states.PRUNED)
        assert sorted(trial.intermediate_values) == list(range(1, len(trial.intermediate_values) + 1))
        assert len(trial.intermediate_values) == epochs or trial.state == states.PRUNED
    assert study.trials[0].state == states.COMPLETE
    assert study.trials[0].value == study.trials[0].intermediate_values[epochs]

    hopeless = optuna.create_study(pruner=optuna.pruners.ThresholdPruner(upper=-1.0))
    hopeless.optimize(page["objective"], n_trials=1)
    assert hopeless.trials[0].state == states.PRUNED
    assert list(hopeless.trials[0].intermediate_values) == [1]


def test_a_diverged_trial_fails_and_the_study_goes_on() -> None:
    optuna = pytest.importorskip("optuna", reason="optuna is not installed")
    page = run_blocks("import optuna")

    class Poisons(resnetzoo.Callback):
        def on_step_end(self, trainer: resnetzoo.TrainerState) -> None:
            trainer.metrics.loss.fill_(float("inf"))

    page["Pruning"] = lambda trial: Poisons()
    study = optuna.create_study()
    study.optimize(page["objective"], n_trials=2, catch=resnetzoo.errors.NonFiniteLossError)
    assert [trial.state.name for trial in study.trials] == ["FAIL", "FAIL"]
