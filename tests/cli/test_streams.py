"""Commands whose output is closed, full or without a reader, and Ctrl-C before they have begun: real processes."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image
from processes import command_line, environment

TRAIN = (
    *("resnetzoo", "train", "resnet20", "--dataset", "folder", "--data-dir", "pets", "--image-size", "8"),
    *("--recipe", "SMOKE", "--epochs", "1", "--device", "cpu", "--out", "run"),
)


@pytest.fixture
def pets(tmp_path: Path) -> None:
    """Twenty images, which are there sooner than any that are drawn."""
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(10):
            Image.new("RGB", (8, 8), (25 * number, 90, 40)).save(tmp_path / "pets" / name / f"{number}.png")


def shell(folder: Path, redirection: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """As a person types it, in bash, whose status is that of the command."""
    return subprocess.run(
        ["bash", "-c", f'set -o pipefail; "$@" {redirection}', "bash", *command_line(*words)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**environment(**variables), "NO_COLOR": ""},
        check=False,
    )


@pytest.mark.parametrize(
    ("redirection", "status", "said"),
    [
        (">&-", 0, ""),
        (">&- 2>&-", 0, ""),
        ("2>&-", 0, ""),
        (">/dev/full", 1, "error: standard output cannot be written: [Errno 28] No space left on device\n"),
        ("| true", 0, ""),
    ],
)
def test_output_that_cannot_be_written(tmp_path: Path, redirection: str, status: int, said: str) -> None:
    done = shell(tmp_path, redirection, "resnetzoo", "list", "plainnet*")
    assert (done.returncode, done.stderr) == (status, said)


@pytest.mark.usefixtures("pets")
@pytest.mark.slow
def test_training_goes_on_without_its_reader_and_says_so(tmp_path: Path) -> None:
    done = shell(tmp_path, "| true", *TRAIN)
    assert done.returncode == 0
    assert done.stderr == (
        "warning: standard output cannot be written any more ([Errno 32] Broken pipe): training continues without it\n"
    )
    assert (tmp_path / "run" / "run.json").is_file()


@pytest.mark.usefixtures("pets")
@pytest.mark.slow
def test_a_file_gets_no_control_codes(tmp_path: Path) -> None:
    done = shell(tmp_path, "> log 2>&1", *TRAIN, FORCE_COLOR="1", TTY_COMPATIBLE="1", TTY_INTERACTIVE="1")
    assert done.returncode == 0
    assert "epoch   1/1" in (tmp_path / "log").read_text()
    assert "\x1b" not in (tmp_path / "log").read_text()


@pytest.mark.parametrize("seconds", [0.15, 0.4, 0.9])
def test_ctrl_c_while_modules_are_imported_leaves_no_traceback(tmp_path: Path, seconds: float) -> None:
    process = subprocess.Popen(
        command_line(*TRAIN), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=environment()
    )
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode in (-signal.SIGINT, 128 + signal.SIGINT)
    assert "Traceback" not in errors


def test_little_is_imported_before_ctrl_c_is_looked_after() -> None:
    """Python's own start aside: each of these takes longer than all of it."""
    slow = "{'contextlib', 'pathlib', 'threading', 'typing'}"
    lines = f"import sys, resnetzoo.cli; print({slow} & sys.modules.keys())"
    done = subprocess.run(
        [sys.executable, "-S", "-c", lines], capture_output=True, text=True, env=environment(), check=True
    )
    assert done.stdout == "set()\n"
