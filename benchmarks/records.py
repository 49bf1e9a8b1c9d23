"""Results that are kept: one small JSON file a machine, version and commit."""

import json
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import resnetzoo

RESULTS = Path(__file__).resolve().parent / "results"
# Once a file, not once a benchmark.
SHARED = ("device", "device_type", "threads", "precision", "tf32", "versions", "commit")


class RecordError(resnetzoo.ResnetzooError, ValueError):
    """A file that is no result of the benchmarks, or one that must not be recorded."""


@dataclass(frozen=True)
class Record:
    """The figures of one run of the benchmarks.

    Attributes:
        machine: one word for processor, threads and precision: figures of one machine are compared with each other.
        version, commit: of this package; `-dirty` behind the commit if the checkout was changed.
        committed, recorded: when the commit was made and the benchmarks were run, ISO 8601.
        device, precision, versions: as in the results of training.
        baseline: why older figures are not compared with; empty where they are.
        benchmarks: name -> seconds (median, iqr), rounds, and all that the race found, `normalised` among it.
    """

    machine: str
    version: str
    commit: str
    committed: str
    recorded: str
    device: str
    precision: str
    versions: dict[str, str]
    baseline: str
    benchmarks: dict[str, dict[str, Any]]

    @property
    def label(self) -> str:
        """Version and commit, as the file is called."""
        number, dirty = self.commit[:12], "-dirty" * self.commit.endswith("-dirty")
        return f"{self.version}-{number}{dirty}"


def from_pytest(path: Path, *, allow_dirty: bool = False, baseline: str = "") -> Record:
    """The record of a file that `pytest benchmarks --benchmark-json` wrote.

    Raises:
        RecordError: another kind of file, no benchmark in it, or code that is in no commit.
    """
    found = read_json(path)
    try:
        info, commit_info = found["machine_info"]["resnetzoo"], found["commit_info"]
        commit = (info["commit"] or "").removesuffix("-dirty")
        dirty = commit_info["dirty"] or (info["commit"] or "").endswith("-dirty")
        record = Record(
            machine=machine_word(found["machine_info"], info),
            version=info["versions"]["resnetzoo"],
            commit=f"{commit}-dirty" if dirty else commit,
            committed=commit_info["time"] or "",
            recorded=found["datetime"],
            device=info["device"],
            precision=info["precision"],
            versions=info["versions"],
            baseline=baseline,
            benchmarks={bench["name"].removeprefix("test_"): entry(bench) for bench in found["benchmarks"]},
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise RecordError(
            f"{path}: not written by these benchmarks (lacks {error}); use pytest benchmarks --benchmark-json FILE"
        ) from error
    if not record.benchmarks:
        raise RecordError(f"{path}: contains no benchmark; all were skipped or failed")
    if not commit:
        raise RecordError(f"{path}: made outside a git checkout, so its commit is unknown; run it from a clone")
    if dirty and not allow_dirty:
        raise RecordError(
            f"{path}: made with uncommitted changes on {commit[:12]}; commit them and run again, or say --allow-dirty"
        )
    return record


def entry(bench: dict[str, Any]) -> dict[str, Any]:
    """One benchmark: pytest-benchmark's seconds and what the race left in `extra_info`."""
    stats = bench["stats"]
    kept = {name: value for name, value in bench["extra_info"].items() if name not in SHARED}
    float(kept["normalised"])  # a KeyError here says that the file is another's
    seconds = {"median": stats["median"], "iqr": stats["iqr"], "rounds": stats["rounds"]}
    rounded: dict[str, Any] = short_numbers({**seconds, **kept})
    return rounded


def machine_word(machine_info: dict[str, Any], info: dict[str, Any]) -> str:
    """Such as `amd-epyc-9754-2-threads-bf16` or `nvidia-h100-80gb-hbm3-bf16`."""
    if info["device_type"] == "cpu":
        name = f"{machine_info['cpu'].get('brand_raw') or machine_info['machine']} {info['threads']} threads"
    else:
        name = info["device"]
    return re.sub(r"(\((r|tm)\)|[^a-z0-9])+", "-", f"{name} {info['precision']}".lower()).strip("-")


def save_record(record: Record, results: Path = RESULTS, *, replace: bool = False) -> Path:
    """Write it to `results/<machine>/<version>-<commit>.json`.

    Raises:
        RecordError: that file is there already.
        OSError: it cannot be written.
    """
    path = results / record.machine / f"{record.label}.json"
    if path.exists() and not replace:
        raise RecordError(f"{path} is already recorded; pass --replace to overwrite it")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(record), indent=1, allow_nan=False) + "\n")
    return path


def read_records(results: Path = RESULTS) -> list[Record]:
    """All of them, by machine and in the order of their commits.

    Raises:
        RecordError: a damaged file.
    """
    records = [read_record(path) for path in sorted(results.glob("*/*.json"))]
    return sorted(records, key=lambda record: (record.machine, record.committed, record.recorded))


def read_record(path: Path) -> Record:
    """One file.

    Raises:
        RecordError: it is damaged, or of another kind.
    """
    found = read_json(path)
    names = {field.name for field in fields(Record)}
    if not isinstance(found, dict) or set(found) != names or not all(_sound(one) for one in _entries(found)):
        raise RecordError(f"{path}: not a record of benchmarks, or damaged; restore it with git or delete it")
    return Record(**found)


def read_json(path: Path) -> Any:
    """Its content.

    Raises:
        RecordError: it is missing or no JSON.
    """
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise RecordError(f"{path}: no such file; write it with pytest benchmarks --benchmark-json {path}") from None
    except ValueError as error:
        raise RecordError(f"{path}: damaged: not valid JSON ({error})") from None


def short_numbers(value: Any) -> Any:
    """Floating-point numbers to six digits, all the way down."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: short_numbers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [short_numbers(inner) for inner in value]
    return value


def _entries(found: dict[str, Any]) -> list[Any]:
    benchmarks = found["benchmarks"]
    return list(benchmarks.values()) if isinstance(benchmarks, dict) else [benchmarks]


def _sound(one: Any) -> bool:
    return isinstance(one, dict) and isinstance(one.get("normalised"), (int, float)) and one["normalised"] > 0
