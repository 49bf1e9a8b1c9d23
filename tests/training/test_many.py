"""Several runs on one device, each as if it were alone."""

import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from cases import small_network

import resnetzoo
from resnetzoo.errors import NonFiniteLossError, SomeRunsFailedError


def jobs(tmp_path: Path | None = None) -> list[resnetzoo.Job]:
    recipe = resnetzoo.Recipe("TWO", 6, None, 0.05, resnetzoo.recipes.StepDecay((3, 5)), batch_size=16)
    other = replace(recipe, name="OTHER", normalization="per_pixel_mean")
    chosen = [(0, recipe), (1, recipe), (2, other)]
    return [
        resnetzoo.Job(small_network(seed), used, seed=seed, out=tmp_path and tmp_path / str(seed))
        for seed, used in chosen
    ]


@pytest.mark.parametrize("side_by_side", [False, True])
def test_many_runs_end_as_each_alone(
    tiny_data: resnetzoo.Data, monkeypatch: pytest.MonkeyPatch, side_by_side: bool
) -> None:
    if side_by_side:  # as on CUDA: a step of each in turn
        monkeypatch.setattr("resnetzoo.training.concurrent.runs_together", lambda device: True)
    together = resnetzoo.fit_many(jobs(), tiny_data, precision="fp32", device="cpu", progress=False)
    for run, job in zip(together, jobs(), strict=True):
        alone = resnetzoo.fit(
            job.model, tiny_data, job.recipe, seed=job.seed, precision="fp32", device="cpu", progress=False
        )
        for name, parameter in alone.model.named_parameters():
            assert torch.equal(run.model.get_parameter(name), parameter)
        assert [row.test_loss for row in run.epochs] == [row.test_loss for row in alone.epochs]


@pytest.mark.cuda
def test_many_runs_side_by_side_on_cuda(tiny_data: resnetzoo.Data) -> None:
    together = resnetzoo.fit_many(jobs(), tiny_data, precision="fp32", device="cuda", progress=False)
    for run, job in zip(together, jobs(), strict=True):
        alone = resnetzoo.fit(
            job.model, tiny_data, job.recipe, seed=job.seed, precision="fp32", device="cuda", progress=False
        )
        for one, two in zip(run.epochs, alone.epochs, strict=True):
            assert one.train_loss == pytest.approx(two.train_loss, rel=1e-3)


def test_a_failed_run_does_not_take_the_others_with_it(tiny_data: resnetzoo.Data, tmp_path: Path) -> None:
    mixed = jobs(tmp_path)
    with torch.no_grad():
        mixed[1].model.fc.weight.fill_(1e30)  # type: ignore[union-attr, operator]
    mixed[1] = replace(mixed[1], out=None)
    with pytest.raises(SomeRunsFailedError, match=r"1 of 3 runs failed: job 1: .*the loss became") as caught:
        resnetzoo.fit_many(mixed, tiny_data, precision="fp32", device="cpu", progress=False)
    assert [run.seed for run in caught.value.runs] == [0, 2]
    assert isinstance(caught.value.errors[1], NonFiniteLossError)
    assert (tmp_path / "2" / "run.json").is_file()


def test_jobs_that_cannot_be(tiny_data: resnetzoo.Data, tmp_path: Path) -> None:
    model = small_network(0)
    cases = [
        ([], "needs at least one Job"),
        (resnetzoo.Job(model), r"jobs must be a list of jobs, not a Job: write fit_many\(\[Job"),
        ([model], "job 0 must be of the class Job, not a CifarNet"),
        ([resnetzoo.Job(model, "QUICK20")], r"not a str: write resnetzoo\.recipes\.get_recipe\('QUICK20'\)"),
        ([resnetzoo.Job(model), resnetzoo.Job(model)], "job 1 trains the same network"),
        (
            [resnetzoo.Job(model, out=tmp_path), resnetzoo.Job(small_network(1), out=str(tmp_path))],
            "job 1 has the folder of an earlier one",
        ),
        (
            [resnetzoo.Job(model, out=tmp_path / "run"), resnetzoo.Job(small_network(1), out="run")],
            "job 1 has the folder of an earlier one, run",
        ),
        ([resnetzoo.Job(model, seed=-1)], "seed must be a whole number"),
    ]
    for wrong, message in cases:
        with pytest.raises(resnetzoo.UsageError, match=message):
            resnetzoo.fit_many(wrong, tiny_data, device="cpu", progress=False)


@pytest.mark.parametrize("kept", [False, True])
def test_a_signal_between_two_runs_says_whether_the_first_one_is_kept(
    tiny_data: resnetzoo.Data, tmp_path: Path, kept: bool
) -> None:
    class Send(resnetzoo.Callback):
        def on_fit_end(self, trainer: resnetzoo.TrainerState, run: resnetzoo.Run) -> None:
            signal.raise_signal(signal.SIGTERM)

    first, *others = jobs(tmp_path if kept else None)
    with pytest.raises(resnetzoo.TrainingInterrupted, match="0 of 3 runs stopped; 2 had not begun") as stopped:
        resnetzoo.fit_many(
            [replace(first, callbacks=[Send()]), *others], tiny_data, precision="fp32", device="cpu", progress=False
        )
    assert stopped.value.saved is kept
