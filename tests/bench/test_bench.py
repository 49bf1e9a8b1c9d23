"""Races with made-up clocks: what is timed, in which order, and what becomes of the seconds."""

import json
import multiprocessing
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import pytest
import torch
from cases import Call
from op_recorder import OpRecorder
from processes import Command
from pytorchcv.model_provider import get_model
from torch import nn
from torch.utils.data import DataLoader

import resnetzoo
from resnetzoo import bench, cli
from resnetzoo.bench import baselines, environment, peers, suite, workload
from resnetzoo.bench.candidates import RunningFit
from resnetzoo.bench.dataloader_baseline import LoaderLoop
from resnetzoo.training.strategies import base

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


@pytest.mark.parametrize(
    ("rounds", "names", "message"),
    [(0, "ab", "rounds must be"), (1, "aa", 'are called "a"'), (1, "", "candidates must be one or more")],
)
def test_a_race_that_cannot_be_meant(rounds: int, names: str, message: str) -> None:
    with pytest.raises(resnetzoo.UsageError, match=message):
        bench.race([scripted(name, [1] * 9, []) for name in names], rounds=rounds)


CPU_ENVIRONMENT = bench.Environment(CPU, "fp32")
CANDIDATES: dict[str, tuple[Callable[..., object], dict[str, Any]]] = {
    "forward": (bench.forward, {"environment": CPU_ENVIRONMENT}),
    "step": (bench.step, {"environment": CPU_ENVIRONMENT, "steps": 1}),
    "epoch": (bench.epoch, {"environment": CPU_ENVIRONMENT, "steps": 1}),
    "batches": (bench.batches, {"environment": CPU_ENVIRONMENT}),
    "forward_baselines": (bench.forward_baselines, {"device": CPU}),
    "step_baselines": (bench.step_baselines, {"device": CPU, "steps": 1}),
    "batches_baselines": (bench.batches_baselines, {}),
}


@pytest.mark.parametrize("number", [0, -1, 2.0, True])
@pytest.mark.parametrize(
    ("name", "field"),
    [
        (name, field)
        for name in CANDIDATES
        for field in ("batch_size", "steps")
        if field in {"batch_size", *CANDIDATES[name][1]}
    ],
)
def test_numbers_of_candidates_that_cannot_be_meant(name: str, field: str, number: object) -> None:
    """Each function refuses them before it builds anything."""
    build, words = CANDIDATES[name]
    subject = resnetzoo.synthetic(train_images=8, test_images=1).train if "batches" in name else "resnet20"
    with pytest.raises(resnetzoo.UsageError, match=f"^{field} must be a whole number from 1, not {number}$"):
        build(subject, **{"batch_size": 2, **words, field: number})


@pytest.mark.parametrize("models", [[], (), "resnet20", "", 3, None])
def test_models_that_are_no_list_of_names(models: Any) -> None:
    with pytest.raises(resnetzoo.UsageError, match=r"^models must be one or more names in a list, such as"):
        bench.short_bench(models)


def test_a_timing_without_rounds_is_none() -> None:
    with pytest.raises(resnetzoo.UsageError, match="rounds must be the seconds of one round or more"):
        bench.Timing(first=1.0, rounds=())


def test_a_calibration_without_operations_is_none() -> None:
    unit = scripted("unit", [], [])
    with pytest.raises(resnetzoo.UsageError, match=r"calibration\.flop must be a whole number from 1, not 0"):
        bench.rows_of("work", [unit], {"unit": bench.Timing(1.0, (1.0,))}, calibration=unit)


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


@pytest.mark.parametrize(("asked", "execution"), [(None, "compiled"), (True, "compiled"), (False, "eager")])
def test_a_step_that_is_timed_is_compiled_as_a_long_run_is(asked: bool | None, execution: str) -> None:
    run = RunningFit("plainnet20", 1, 1, bench.Environment.find("cpu", "fp32"), compiled=asked)
    assert str(run.trainer.execution) == execution
    run.close()


@pytest.mark.parametrize(("asked", "execution"), [(None, "recorded"), (True, "recorded"), (False, "eager")])
def test_a_step_that_is_timed_is_recorded_as_asked(
    asked: bool | None, execution: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "recorder_for", lambda stream: OpRecorder())
    place = bench.Environment.find("cpu", "fp32")
    run = RunningFit("plainnet20", 1, 1, place, compiled=False, recorded=asked)
    assert str(run.trainer.execution) == execution
    run.close()


def test_the_loop_of_the_tutorials_goes_on_over_long_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without workers, a measurement is a few steps of an epoch of 100, which the next one goes on with."""
    loop = LoaderLoop("plainnet20", 2, CPU, steps=3)
    assert len(loop.loader) == 100
    begun = count_epochs(monkeypatch)
    before = loop.network.fc.weight.detach().clone()
    for _ in range(33):
        loop._learn = lambda images, labels: None  # type: ignore[method-assign]
        assert loop.seconds() > 0
    assert len(begun) == 1
    del loop._learn
    loop.seconds()
    assert len(begun) == 2  # at step 101
    assert not torch.equal(loop.network.fc.weight, before)


@pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")  # on a single core
def test_the_loop_with_workers_takes_an_epoch_and_ends_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on CUDA, where workers load: each measurement begins an epoch, in the same processes, and drains it."""
    loop = LoaderLoop("plainnet20", 1, torch.device("cpu"), steps=3, workers=2)
    assert loop.steps == len(loop.loader) == 100
    loop._learn = lambda images, labels: None  # type: ignore[method-assign]
    begun = count_epochs(monkeypatch)
    processes = []
    for _ in range(2):
        loop.seconds()
        processes.append({child.pid for child in multiprocessing.active_children()})
    assert processes[0] == processes[1]
    assert len(processes[0]) == 2
    assert len(begun) == 2
    loop.close()
    assert not multiprocessing.active_children()


def count_epochs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one whenever a `DataLoader` begins an epoch."""
    begun: list[int] = []
    begin = DataLoader.__iter__

    def count(loader: Any) -> Any:
        begun.append(1)
        return begin(loader)

    monkeypatch.setattr(DataLoader, "__iter__", count)
    return begun


@pytest.mark.slow
def test_every_candidate_of_a_race_lets_go(monkeypatch: pytest.MonkeyPatch) -> None:
    log: list[str] = []

    def held(name: str) -> bench.Candidate:
        return bench.Candidate(name, lambda: 1.0, images=1, flop=1, release=lambda: log.append(name))

    peers_of_race = bench.Baselines((held("peer"), held("loop")), "peer", ())
    monkeypatch.setattr(suite, "_races", lambda *_: iter([("work", held("ours"), peers_of_race)]))
    bench.short_bench(("plainnet20",), device="cpu", rounds=1)
    assert log == ["ours", "peer", "loop"]

    def stuck() -> None:
        raise RuntimeError("does not let go")

    ours = replace(held("ours"), release=stuck)
    monkeypatch.setattr(suite, "_races", lambda *_: iter([("work", ours, peers_of_race)]))
    with pytest.raises(RuntimeError, match="does not let go"):
        bench.short_bench(("plainnet20",), device="cpu", rounds=1)
    assert log == ["ours", "peer", "loop", "peer", "loop"]


@pytest.mark.slow
def test_what_each_ran_in_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """TF32 on both sides: ours computes in what it says, and peers in what torch allows, by default on CUDA."""
    monkeypatch.setattr(workload, "shortens_fp32", lambda device: True)
    monkeypatch.setattr(environment, "shortens_fp32", lambda device: True)
    found = bench.short_bench(("plainnet20",), batch_size=2, device="cpu", precision="fp32", compiled=False, rounds=1)
    assert {(row.name.split()[0], row.precision) for row in found.rows} == {
        ("resnetzoo", "fp32"),
        *((peer, "fp32 (TF32)") for peer in ("torchvision", "timm", "DataLoader")),
    }
    assert found.to_dict()["place"]["tf32"] == {"resnetzoo": False, "peers": True}
    notes = bench.bench_notes(found)
    assert any(line.startswith("resnetzoo    fp32, no TF32; not compiled") for line in notes)
    assert any("eager, fp32 with TF32 convolutions" in line for line in notes)


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


def test_no_peer_runs_without_torchvision(monkeypatch: pytest.MonkeyPatch) -> None:
    """pytorchcv imports it without requiring it, and timm requires it."""
    installed = find_spec
    for module in (peers, baselines):
        monkeypatch.setattr(module, "find_spec", lambda name: None if name == "torchvision" else installed(name))
    found = bench.step_baselines("resnet20", batch_size=2, device=CPU)
    assert found.candidates == ()
    assert len(found.missing) == 4
    assert found.missing[0].startswith("pytorchcv resnet20: torchvision is not installed: pip install")


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_peers_compute_in_the_precision_that_is_asked_for(monkeypatch: pytest.MonkeyPatch, precision: str) -> None:
    seen = []

    class Net(nn.Sequential):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            logits = super().forward(images)
            seen.append(logits.dtype)
            return logits

    twin = peers.Peer("twin", "torch", lambda: Net(nn.Flatten(), nn.Linear(3 * 32 * 32, 10)))
    monkeypatch.setattr(baselines, "TWINS", {"resnet20": twin})
    monkeypatch.setattr(baselines, "OTHERS", ())
    chosen = {"batch_size": 2, "device": CPU, "precision": precision}
    for found in (
        bench.forward_baselines("resnet20", **chosen),
        bench.step_baselines("resnet20", loop=False, **chosen),
    ):
        (candidate,) = found.candidates
        assert candidate.precision == precision
        seen.clear()
        candidate.seconds()
        assert set(seen) == {torch.float32 if precision == "fp32" else torch.bfloat16}


def test_resnet18_cannot_train_on_one_image() -> None:
    names = [one.name for one in bench.step_baselines("resnet20", batch_size=1, device=CPU, loop=False).candidates]
    assert names == ["pytorchcv resnet20"]


def raced(name: str, monkeypatch: pytest.MonkeyPatch) -> bench.Bench:
    """The short benchmark of one network whose candidates take made-up seconds; the names are the real ones."""

    def race(candidates: list[bench.Candidate], *, rounds: int) -> dict[str, bench.Timing]:
        return {candidate.name: bench.Timing(1.0, (1.0,) * rounds) for candidate in candidates}

    monkeypatch.setattr(suite, "race", race)
    return bench.short_bench((name,), batch_size=2, device="cpu", compiled=False, rounds=1)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("resnet20", "to the same network of another library (pytorchcv resnet20), round by round"),
        ("resnet18", "to the same network of another library (torchvision resnet18, 3x3 stem), round by round"),
        ("plainnet20", "none, since no library that took part has the same network"),
    ],
)
def test_the_note_names_what_ratios_compare_with(name: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = raced(name, monkeypatch)
    (note,) = (line for line in bench.bench_notes(found) if line.startswith("ratio "))
    assert note.removeprefix("ratio").strip() == expected
    assert all((row.ratio is None) == ("none" in note) for row in found.rows)


@pytest.mark.slow
def test_bench_prints_every_contestant(fork_command: Command) -> None:
    words = (
        "bench",
        "resnet20",
        "--no-compile",
        "--no-record",
        "--rounds",
        "1",
        "--batch-size",
        "2",
        "--device",
        "cpu",
    )
    said = fork_command("resnetzoo", *words)
    assert said.returncode == 0, said.stderr
    for expected in (
        "precision",
        "fp32",
        "resnet20, inference, batch 1 ",
        "training, batch 2",
        "pytorchcv resnet20",
        "DataLoader loop",
    ):
        assert expected in said.stdout
    assert "matrix rate" in said.stdout
    assert "not compiled, no step recorded" in said.stdout
    assert "…" not in said.stdout
    assert said.stderr.count("timing resnet20") == 3


@pytest.mark.slow
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
        (("--batch-size", "0"), "--batch-size must be a whole number from 1, not 0"),
        (("--rounds", "0"), "--rounds must be a whole number from 1, not 0"),
        (("--precision", "fp16"), "precision must be auto, fp32 or bf16"),
    ],
)
def test_a_mistake_gets_one_line(call: Call, words: tuple[str, ...], message: str) -> None:
    status, errors = call(cli.main, "bench", *words)
    assert (status, errors.count("\n")) == (2, 1)
    assert message in errors
