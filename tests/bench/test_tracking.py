"""Recorded benchmarks: what is kept, what is refused, which drop is flagged. All figures are made up."""

import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cases import ROOT, Call

COMMIT = "0123456789ab" + 28 * "c"
MACHINE = "acme-3000-2-threads-bf16"


@pytest.fixture
def track(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    main: Callable[[], int] = runpy.run_path(str(ROOT / "benchmarks" / "track.py"))["main"]
    return main


def pytest_file(path: Path, *, dirty: bool = False, commit: str | None = COMMIT, **changes: Any) -> Path:
    """What pytest-benchmark writes, so far as it is read."""
    info = {
        "device": "CPU AVX512, 2 threads",
        "device_type": "cpu",
        "threads": 2,
        "precision": "bf16",
        "versions": {"resnetzoo": "0.1.0", "torch": "2.6"},
        "commit": commit,
    }
    bench = {
        "name": "test_forward[resnet20-128-eager]",
        "stats": {"median": 0.0123456789, "iqr": 0.001, "rounds": 7, "data": [0.0123456789] * 7},
        "extra_info": {**info, "normalised": 0.5, "images_per_second": 10_000.0, "ratio": 3.0},
    }
    content = {
        "machine_info": {"cpu": {"brand_raw": "Acme (R) 3000"}, "node": "a-name", "resnetzoo": info},
        "commit_info": {"id": COMMIT, "time": "2026-01-01T00:00:00+00:00", "dirty": dirty},
        "datetime": "2026-01-02T00:00:00+00:00",
        "benchmarks": [bench],
        **changes,
    }
    path.write_text(json.dumps(content))
    return path


def record_file(results: Path, number: int, normalised: float, *, baseline: str = "") -> None:
    """The record of a made-up version."""
    path = results / MACHINE / f"0.{number}.0-{str(number) * 12}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    figures = {"median": 1 / normalised, "iqr": 0.0, "rounds": 5, "normalised": normalised}
    content = {
        "machine": MACHINE,
        "version": f"0.{number}.0",
        "commit": str(number) * 40,
        "baseline": baseline,
        "committed": f"2026-01-0{number}",
        "recorded": f"2026-01-0{number}",
        "device": "CPU",
        "precision": "bf16",
        "versions": {"torch": "2.6"},
        "benchmarks": {"forward[resnet20-128-eager]": figures, "import": figures},
    }
    path.write_text(json.dumps(content))


def test_a_record_is_small_and_lies_by_machine_and_version(
    track: Callable[[], int], call: Call, tmp_path: Path
) -> None:
    file = pytest_file(tmp_path / "bench.json")
    assert call(track, "--results", "results", "record", str(file)) == (0, "")
    kept = json.loads((tmp_path / "results" / MACHINE / "0.1.0-0123456789ab.json").read_text())
    figures = kept["benchmarks"]["forward[resnet20-128-eager]"]
    assert figures == {
        "median": 0.0123457,
        "iqr": 0.001,
        "rounds": 7,
        "normalised": 0.5,
        "images_per_second": 10_000.0,
        "ratio": 3.0,
    }
    assert (kept["version"], kept["commit"], kept["precision"]) == ("0.1.0", COMMIT, "bf16")
    assert "a-name" not in json.dumps(kept)  # the computer's name is nobody's business

    status, errors = call(track, "--results", "results", "record", str(file))
    assert status == 1
    assert "is already recorded; pass --replace" in errors
    assert call(track, "--results", "results", "record", str(file), "--replace")[0] == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dirty": True}, "uncommitted changes on 0123456789ab; commit them and run again, or say --allow-dirty"),
        ({"commit": f"{COMMIT}-dirty"}, "uncommitted changes"),
        ({"commit": None}, "outside a git checkout"),
        ({"benchmarks": []}, "contains no benchmark"),
        ({"machine_info": {}}, "not written by these benchmarks"),
    ],
)
def test_what_is_not_recorded(
    track: Callable[[], int], call: Call, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    file = pytest_file(tmp_path / "bench.json", **changes)
    status, errors = call(track, "--results", "results", "record", str(file))
    assert (status, errors.count("\n")) == (1, 1)
    assert message in errors
    assert not (tmp_path / "results").exists()


def test_a_dirty_record_says_so(track: Callable[[], int], call: Call, tmp_path: Path) -> None:
    file = pytest_file(tmp_path / "bench.json", dirty=True)
    assert call(track, "--results", "results", "record", str(file), "--allow-dirty")[0] == 0
    assert (tmp_path / "results" / MACHINE / "0.1.0-0123456789ab-dirty.json").is_file()


@pytest.mark.parametrize(
    ("figures", "status"),
    [
        ([0.5], 0),
        ([0.5, 0.455], 0),  # 9 %
        ([0.5, 0.45], 0),  # 10 %
        ([0.5, 0.445], 1),  # 11 %
        ([0.5, 0.47, 0.44], 1),  # against the best before: two small steps add up
        ([0.5, 0.4, 0.49], 0),  # an older drop, made good
        ([0.5, 0.9], 0),
    ],
)
def test_a_drop_of_more_than_a_tenth_is_flagged(
    track: Callable[[], int],
    call: Call,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    figures: list[float],
    status: int,
) -> None:
    for number, figure in enumerate(figures, start=1):
        record_file(tmp_path, number, figure)
    assert call(track, "--results", str(tmp_path), "history") == (status, "")
    assert (tmp_path / MACHINE / "history.png").read_bytes().startswith(b"\x89PNG")


def test_the_drop_is_named(
    track: Callable[[], int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any
) -> None:
    record_file(tmp_path, 1, 0.5)
    record_file(tmp_path, 2, 0.4)
    monkeypatch.setattr("sys.argv", ["track.py", "--results", str(tmp_path), "history"])
    assert track() == 1
    said = capsys.readouterr().out
    assert f"drop of more than 10 %: {MACHINE}: forward[resnet20-128-eager] -20.0 %, 0.4 after 0.5" in said
    assert "-20.0 % DROP" in said


def test_a_baseline_starts_the_comparison_anew(track: Callable[[], int], call: Call, tmp_path: Path) -> None:
    record_file(tmp_path, 1, 0.5)
    record_file(tmp_path, 2, 0.3, baseline="exact rounding")
    record_file(tmp_path, 3, 0.29)
    assert call(track, "--results", str(tmp_path), "history")[0] == 0


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"benchmarks": 3}'])
def test_a_damaged_record_gets_one_line(track: Callable[[], int], call: Call, tmp_path: Path, content: str) -> None:
    record_file(tmp_path, 1, 0.5)
    (tmp_path / MACHINE / "damaged.json").write_text(content)
    status, errors = call(track, "--results", str(tmp_path), "history")
    assert (status, errors.count("\n")) == (1, 1)
    assert "damaged.json" in errors


@pytest.mark.parametrize(("words", "message"), [(("history",), "no records yet"), (("record", "no"), "no such file")])
def test_nothing_there(
    track: Callable[[], int], call: Call, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    status, errors = call(track, "--results", str(tmp_path), *words)
    assert (status, errors.count("\n")) == (1, 1)
    assert message in errors
