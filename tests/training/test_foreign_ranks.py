"""Networks from elsewhere, and callbacks, in runs that two processes share, held against one process."""

import json
import math
from pathlib import Path
from typing import Any

import foreign_rank_runs
import pytest
from processes import run_ranks

import resnetzoo


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The figures of each process."""
    folder = tmp_path_factory.mktemp("together")
    run_ranks(foreign_rank_runs.__file__, folder, "figures")
    return [json.loads((folder / f"figures.{rank}.json").read_text()) for rank in (0, 1)]


@pytest.mark.slow
def test_two_processes_train_a_network_as_one_does(together: list[dict[str, Any]]) -> None:
    name = "norm of each image"
    alone = foreign_rank_runs.RUNS[name]()
    first, second = (figures[name] for figures in together)
    assert first == second
    assert first == pytest.approx(alone, rel=2e-4)


@pytest.mark.parametrize("name", foreign_rank_runs.REFUSED)
@pytest.mark.slow
def test_norms_whose_statistics_are_not_shared_are_refused(together: list[dict[str, Any]], name: str) -> None:
    """Each process would have its own statistics, and the test of each another network."""
    assert "loss" in foreign_rank_runs.REFUSED[name]()
    for figures in together:
        assert "would use the images of each process alone" in figures[name]["error"]


@pytest.mark.parametrize("name", ["metrics", "metrics and checkpoints"])
@pytest.mark.slow
def test_metrics_of_a_step_are_of_the_images_of_each_process(together: list[dict[str, Any]], name: str) -> None:
    """Shards of equal length, so that the mean over all images is the mean over the processes."""
    alone = foreign_rank_runs.with_metrics()
    first, second = (figures[name] for figures in together)
    assert first["epochs"] == second["epochs"]
    assert len(first["steps"]) == len(second["steps"]) == len(alone["steps"]) == 12
    for one, two, both in zip(first["steps"], second["steps"], alone["steps"], strict=True):
        for figure in (0, 1):
            assert (one[figure] + two[figure]) / 2 == pytest.approx(both[figure], rel=1e-4)


def test_metrics_are_the_epochs_at_its_end_and_nan_before_its_first_step() -> None:
    """`Metrics` compares them with the row."""

    class Between(foreign_rank_runs.Metrics):
        between: tuple[float, ...] = ()

        def on_fit_start(self, trainer: resnetzoo.TrainerState) -> None:
            self.between += (trainer.metrics.mean_loss(), trainer.metrics.error())

        def on_fit_end(self, trainer: resnetzoo.TrainerState, run: resnetzoo.Run) -> None:
            self.between += (trainer.metrics.mean_loss(), trainer.metrics.error())

    between = Between()
    foreign_rank_runs.train(foreign_rank_runs.of_features(), between)
    assert len(between.epochs) == 3
    assert len(between.between) == 4
    assert all(math.isnan(figure) for figure in between.between)


@pytest.mark.slow
def test_a_checkpoint_within_an_epoch_has_the_sums_of_all_processes(
    together: list[dict[str, Any]], tmp_path: Path
) -> None:
    """The row of an epoch whose sums were stored in it is that of one process."""
    alone = foreign_rank_runs.with_metrics(out=tmp_path / "run", checkpoint_every=2)
    for figures in together:
        for mine, theirs in zip(figures["metrics and checkpoints"]["epochs"], alone["epochs"], strict=True):
            assert mine == pytest.approx(theirs, rel=1e-4)
