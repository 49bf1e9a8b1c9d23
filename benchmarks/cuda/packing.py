"""What comes back in few files: records, weights and test logits of finished runs, and states of unfinished ones."""

import os
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from evidence import Evidence, Setting

LARGEST_REPORT_FILE = 2**20
LARGEST_ARCHIVE = 15 * 2**20
WEIGHTS_ARCHIVES, UNFINISHED_ARCHIVES = 2, 3
OF_A_FIRST_SEED = ("weights.safetensors", "test_logits.safetensors")


def pack(evidence: Evidence, _: Sequence[str] = ()) -> None:
    """Write all of them anew; the large ones only where time is left, or with `GPU_PACK=all`."""
    setting = evidence.setting
    runs = sorted(setting.runs.glob("*"))
    pack_records(setting, runs)
    if os.environ.get("GPU_PACK") != "all" and setting.seconds_left() < 2:
        return
    finished = [run for run in runs if (run / "run.json").exists()]
    first_seeds = [run / name for run in finished if run.name.endswith("seed0") for name in OF_A_FIRST_SEED]
    unfinished = [run / "checkpoint.pt" for run in runs if run not in finished]
    pack_runs(setting.out, "weights", first_seeds, WEIGHTS_ARCHIVES)
    pack_runs(setting.out, "unfinished", unfinished, UNFINISHED_ARCHIVES)


def pack_records(setting: Setting, runs: Iterable[Path]) -> None:
    """`records.tar.gz`: what the tests, the reports and the runs wrote, without any weights."""
    path = setting.out / "records.tar.gz"
    fresh = path.with_suffix(".new")
    reports = (file for file in setting.state.glob("report-*/*") if file.is_file())
    with tarfile.open(fresh, "w:gz", compresslevel=4) as archive:
        for file in [
            *setting.state.glob("*.xml"),
            *setting.state.glob("stages.jsonl"),
            *(file for file in reports if file.stat().st_size < LARGEST_REPORT_FILE),
            *(file for pattern in ("*.json", "*.csv", "*/*.json*") for file in setting.state.glob(f"alone/{pattern}")),
            *(file for run in runs for file in run.glob("*.json*")),
        ]:
            archive.add(file, arcname=str(file.relative_to(setting.state)))
    fresh.replace(path)


def pack_runs(out: Path, stem: str, files: Sequence[Path], archives: int) -> None:
    """Those of the files that are there in `STEM-1.tar` and so on, the smallest first, as many as there is room for."""
    groups: list[list[Path]] = []
    room = 0
    for size, file in sorted((file.stat().st_size, file) for file in files if file.exists()):
        if size > room:
            if len(groups) == archives:
                break
            groups.append([])
            room = LARGEST_ARCHIVE
        groups[-1].append(file)
        room -= size
    for number, group in enumerate(groups, 1):
        with tarfile.open(out / f"{stem}-{number}.tar", "w") as archive:
            for file in group:
                archive.add(file, arcname=f"runs/{file.parent.name}/{file.name}")
