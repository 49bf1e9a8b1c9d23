"""What a run keeps of its last test: the logits of each image."""

from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from cases import small_network

import resnetzoo
from resnetzoo import metrics
from resnetzoo.errors import ResultsError
from resnetzoo.training.results import EpochRow, read_record
from resnetzoo.utils.checksummed_json import write_checksummed

FILE = "test_logits.safetensors"


class Stops(resnetzoo.Callback):
    """Ends a run behind its first epoch."""

    def on_epoch_end(self, trainer: resnetzoo.TrainerState, row: resnetzoo.EpochRow) -> None:
        trainer.request_stop()


def fit(
    data: resnetzoo.Data,
    recipe: resnetzoo.Recipe,
    out: Path | None = None,
    callbacks: tuple[resnetzoo.Callback, ...] = (),
) -> resnetzoo.Run:
    return resnetzoo.fit(
        small_network(0), data, recipe, precision="fp32", device="cpu", out=out, progress=False, callbacks=callbacks
    )


def same(first: resnetzoo.StoredLogits | None, second: resnetzoo.StoredLogits | None) -> bool:
    assert first is not None
    assert second is not None
    return torch.equal(first.logits, second.logits) and (first.test_set, first.error) == (second.test_set, second.error)


def test_a_run_keeps_the_logits_of_its_last_test(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path
) -> None:
    run = fit(tiny_data, tiny_recipe, tmp_path)
    kept = resnetzoo.load_logits(tmp_path)
    assert kept.error == run.epochs[-1].test_error == read_record(tmp_path / "run.json").epochs[-1].test_error
    assert torch.equal(kept.labels, tiny_data.test.labels)
    assert same(run.logits, kept)
    assert same(metrics.logits_of(run.model, tiny_data.test), kept)
    assert same(fit(tiny_data, tiny_recipe).logits, kept)  # without a folder
    written = (tmp_path / FILE).stat().st_mtime_ns
    assert same(fit(tiny_data, tiny_recipe, tmp_path).logits, kept)  # read again
    assert (tmp_path / FILE).stat().st_mtime_ns == written


def test_a_run_that_was_killed_before_its_record_keeps_them_too(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path
) -> None:
    first = fit(tiny_data, tiny_recipe, tmp_path)
    for name in ("run.json", FILE):
        (tmp_path / name).unlink()
    again = fit(tiny_data, tiny_recipe, tmp_path)
    assert same(again.logits, first.logits)
    assert same(resnetzoo.load_logits(tmp_path), first.logits)
    assert again.epochs == first.epochs


def test_logits_that_do_not_make_the_recorded_error_are_not_kept(
    tiny_data: resnetzoo.Data,
    tiny_recipe: resnetzoo.Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fit(tiny_data, tiny_recipe, tmp_path)
    for name in ("run.json", FILE):
        (tmp_path / name).unlink()
    read = EpochRow.from_dict
    monkeypatch.setattr(EpochRow, "from_dict", lambda values: read({**values, "test_error": 1.0}))
    with pytest.warns(UserWarning, match=r"the logits of the last test are not kept: .* 1\.0 % are recorded"):
        run = fit(tiny_data, tiny_recipe, tmp_path)
    assert run.logits is None
    assert not (tmp_path / FILE).exists()


def test_a_stopped_run_writes_none_and_a_resumed_one_does(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path
) -> None:
    stopped = fit(tiny_data, tiny_recipe, tmp_path, callbacks=(Stops(),))
    assert stopped.logits is not None
    assert stopped.logits.error == stopped.epochs[-1].test_error
    with pytest.raises(ResultsError, match="holds no test logits: the run is not finished"):
        resnetzoo.load_logits(tmp_path)
    resumed = fit(tiny_data, tiny_recipe, tmp_path)
    assert same(resnetzoo.load_logits(tmp_path), resumed.logits)
    assert same(resumed.logits, fit(tiny_data, tiny_recipe).logits)


def test_an_old_run_says_how_to_get_them(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path
) -> None:
    run = fit(tiny_data, tiny_recipe, tmp_path)
    kept = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).unlink()
    old = fit(tiny_data, tiny_recipe, tmp_path)
    assert (old.logits, old.epochs) == (None, run.epochs)
    assert not (tmp_path / FILE).exists()
    with pytest.raises(ResultsError, match=r"finished by a version that kept none; resnetzoo\.metrics\.logits_of"):
        resnetzoo.load_logits(tmp_path)
    (tmp_path / FILE).write_bytes(kept)
    values = run.to_dict()
    values["epochs"][-1] = {**asdict(run.epochs[-1]), "test_error": 1.0}
    write_checksummed(tmp_path / "run.json", values)
    with pytest.raises(ResultsError, match="they are of different runs"):
        resnetzoo.load_logits(tmp_path)


def test_runs_side_by_side_keep_their_own(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path
) -> None:
    jobs = [resnetzoo.Job(small_network(seed), tiny_recipe, seed, tmp_path / str(seed)) for seed in (0, 1)]
    runs = resnetzoo.fit_many(jobs, tiny_data, precision="fp32", device="cpu", progress=False)
    kept = [resnetzoo.load_logits(tmp_path / str(seed)) for seed in (0, 1)]
    assert all(same(run.logits, own) for run, own in zip(runs, kept, strict=True))
    assert same(kept[0], fit(tiny_data, tiny_recipe).logits)
    counts = metrics.paired_counts(*kept[0].paired_with(kept[1]))
    assert counts.n == 20
    assert counts.difference == pytest.approx(kept[0].error - kept[1].error)


def test_a_damaged_file_can_be_moved_away(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path
) -> None:
    first = fit(tiny_data, tiny_recipe, tmp_path)
    for content in (b"", (tmp_path / FILE).read_bytes()[:-9], b"garbage"):
        (tmp_path / FILE).write_bytes(content)
        with pytest.raises(ResultsError, match=r"; move the file away: a run of fit continues without it, or with new"):
            fit(tiny_data, tiny_recipe, tmp_path)
    (tmp_path / FILE).unlink()
    assert fit(tiny_data, tiny_recipe, tmp_path).epochs == first.epochs
    (tmp_path / "run.json").unlink()
    assert same(fit(tiny_data, tiny_recipe, tmp_path).logits, first.logits)
