"""Races with made-up clocks: what is timed, in which order, and what becomes of the seconds."""

import json
from collections.abc import Callable

import pytest
import torch
from cases import Call
from processes import Command
from pytorchcv.model_provider import get_model

import resnetzoo
from resnetzoo import bench, cli
from resnetzoo.bench import baselines, peers
from resnetzoo.bench.candidates import RunningFit

CPU = torch.device("cpu")


def scripted(name: str, seconds: list[float], log: list[str], *, images: int = 0, flop: int = 0) -> bench.Candidate:
    """Takes the given seconds, one call after the other, and writes its name into the log."""
    left = iter(seconds)

    def run() -> float:
        log.append(name)
        return next(left)

    return bench.Candidate(name, run, images=images, flop=flop)


def stepping_clock(step: float) -> Callable[[], float]:
    """Each reading is `step` later than the one before."""
    readings = iter(range(1_000))
    return lambda: next(readings) * step


def test_former_names_are_the_same_objects() -> None:
    assert (bench.Contestant, bench.Rivals, bench.Place) == (bench.Candidate, bench.Baselines, bench.Environment)
    assert bench.NO_RIVALS is bench.NO_BASELINES
    rivals = bench.create_rivals("resnet20")
    assert rivals.contestants is rivals.candidates
    for work in ("forward", "step", "create", "batches"):
        assert getattr(bench, f"{work}_rivals") is getattr(bench, f"{work}_baselines")


def test_a_race_warms_up_and_begins_each_round_with_another() -> None:
    log: list[str] = []
    candidates = [scripted("a", [9, 8, 1, 2, 6], log), scripted("b", [7, 7, 3, 4, 5], log)]
    timings = bench.race(candidates, rounds=3, clock=stepping_clock(20.0))
    assert log == ["a", "a", "b", "b", "a", "b", "b", "a", "a", "b"]
    assert timings["a"] == bench.Timing(first=20, rounds=(1, 2, 6))
    assert (timings["a"].median, timings["b"].median) == (2, 4)


@pytest.mark.parametrize(("rounds", "names", "message"), [(0, "ab", "rounds must be"), (1, "aa", 'are called "a"')])
def test_a_race_that_cannot_be_meant(rounds: int, names: str, message: str) -> None:
    with pytest.raises(resnetzoo.UsageError, match=message):
        bench.race([scripted(name, [1] * 9, []) for name in names], rounds=rounds)


def test_short_work_is_repeated_within_a_measurement() -> None:
    done: list[int] = []
    timed = bench.TimedCall(lambda: done.append(1), CPU, at_least=2.0, clock=stepping_clock(0.5))
    assert [timed(), timed()] == [0.5, 0.5]  # the first compiles, the second tells how many repetitions it takes
    assert len(done) == 2
    assert timed() == 0.5 / 4
    assert len(done) == 2 + 4


def test_rows_by_hand() -> None:
    unit = scripted("unit", [], [], flop=100 * 10**9)
    ours, peer = scripted("ours", [], [], images=8, flop=30 * 10**9), scripted("peer", [], [], images=8, flop=10**9)
    timings = {
        "unit": bench.Timing(1.0, (1.0, 1.0, 2.0)),
        "ours": bench.Timing(5.0, (0.5, 1.0, 0.5)),
        "peer": bench.Timing(2.0, (2.0, 2.0, 1.5)),
    }
    rows = bench.rows_of("work", [unit, ours, peer], timings, calibration=unit, peer="peer")
    assert [row.name for row in rows] == ["ours", "peer"]
    first, second = rows
    assert (first.seconds, first.first_seconds, first.images_per_second) == (0.5, 5.0, 16.0)
    assert (first.gflops, first.matrix_fraction) == (60.0, 0.6)
    assert (first.ratio, second.ratio) == (3.0, 1.0)  # the median of 4, 2 and 3, round by round
    alone = bench.rows_of("work", [ours], timings, calibration=unit)
    assert (alone[0].peer, alone[0].ratio) == ("", None)


def test_a_step_that_is_timed_is_a_step_of_one_run_that_goes_on() -> None:
    """Each measurement begins with an epoch and ends with it, so that no test pass falls into one."""
    run = RunningFit("plainnet20", 2, 3, bench.Environment.find("cpu", "fp32"), compiled=False)
    before = run.trainer.model.fc.weight.detach().clone()  # type: ignore[union-attr, operator]
    for measured in (1, 2):
        assert run.seconds() > 0
        assert run.trainer.step == 4 * measured
        assert [row.epoch for row in run.trainer.rows] == list(range(1, measured + 1))
    assert run.epoch_seconds() > 0
    assert (run.trainer.step, len(run.trainer.rows)) == (12, 3)
    assert not torch.equal(run.trainer.model.fc.weight, before)  # type: ignore[union-attr, arg-type]


def test_flop_are_two_a_multiply_add() -> None:
    """pytorchcv's resnet20 has projection shortcuts; torch counts its operations, we have them in closed form."""
    spec = resnetzoo.create("resnet20", shortcut="projection").spec
    assert peers.flop_of(get_model("resnet20_cifar10")) == 2 * resnetzoo.complexity(spec).macs


def test_a_peer_that_is_missing_is_named_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (peers, baselines):
        monkeypatch.setattr(module, "find_spec", lambda name: None)
    found = bench.step_baselines("resnet20", batch_size=2, device=CPU)
    assert (found.candidates, found.peer) == ((), "")
    assert len(found.missing) == 4
    assert all(line.endswith('is not installed: pip install "resnetzoo[bench]"') for line in found.missing)


def test_resnet18_cannot_train_on_one_image() -> None:
    names = [one.name for one in bench.step_baselines("resnet20", batch_size=1, device=CPU, loop=False).candidates]
    assert names == ["pytorchcv resnet20"]


def test_bench_prints_every_contestant(fork_command: Command) -> None:
    words = ("bench", "resnet20", "--no-compile", "--rounds", "1", "--batch-size", "2", "--device", "cpu")
    said = fork_command("resnetzoo", *words)
    assert said.returncode == 0, said.stderr
    for expected in ("resnet20, inference, batch 1 ", "training, batch 2", "pytorchcv resnet20", "DataLoader loop"):
        assert expected in said.stdout
    assert "matrix rate" in said.stdout
    assert "not compiled" in said.stdout
    assert "…" not in said.stdout
    assert said.stderr.count("timing resnet20") == 3


def test_bench_as_json(fork_command: Command) -> None:
    words = ("bench", "plainnet20", "--no-compile", "--rounds", "1", "--batch-size", "1", "--device", "cpu", "--json")
    found = json.loads(fork_command("resnetzoo", *words).stdout)
    works = list(dict.fromkeys(row["work"] for row in found["rows"]))
    assert works == ["plainnet20, inference, batch 1", "plainnet20, training, batch 1"]
    assert found["matrix_gflops"] > 0
    assert all(row["ratio"] is None for row in found["rows"])  # no other library has plain networks
    assert found["place"]["versions"]["torch"] == torch.__version__


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("resnet57",), "the nearest valid: 56 or 62"),
        (("--batch-size", "0"), "batch_size must be a whole number from 1, not 0"),
        (("--rounds", "0"), "rounds must be a whole number from 1, not 0"),
        (("--precision", "fp16"), "precision must be auto, fp32 or bf16"),
    ],
)
def test_a_mistake_gets_one_line(call: Call, words: tuple[str, ...], message: str) -> None:
    status, errors = call(cli.main, "bench", *words)
    assert (status, errors.count("\n")) == (2, 1)
    assert message in errors
