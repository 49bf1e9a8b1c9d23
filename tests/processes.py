"""Commands as processes of their own: started as a person starts them, or forked where torch is imported already.

A new process spends its first seconds importing torch. A forked one has its own memory, its own signals and its own
exit status all the same, and begins with the command at once. What depends on how the interpreter starts or ends
(its warnings, `atexit`) needs `run_command`.
"""

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from cases import ROOT

Command = Callable[..., subprocess.CompletedProcess[str]]

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["torch", "torch.export", "typer.rich_utils"])


def command_line(*words: str | Path) -> list[str]:
    """What starts the command, `resnetzoo` or a script, with the Python that runs the tests."""
    first = [sys.executable, "-m", "resnetzoo"] if words[0] == "resnetzoo" else [sys.executable, str(words[0])]
    return [*first, *(str(word) for word in words[1:])]


def environment(**variables: str) -> dict[str, str]:
    """This process's, with the checkout importable and no CUDA device, so that `auto` is the CPU on every machine."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path, "NO_COLOR": "1", "CUDA_VISIBLE_DEVICES": "", **variables}


def run_ranks(script: str, folder: Path, *names: str) -> None:
    """Run a script by torchrun, as two processes in the given folder, which end well and without a warning."""
    words = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", script, *names]
    said = subprocess.run(
        [sys.executable, *words],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment(OMP_NUM_THREADS="1"),
        check=False,
        timeout=300,  # processes that wait for each other wait for half an hour
    )
    assert said.returncode == 0, said.stderr
    assert said.stderr == ""  # no warning, at its exit either


class Fork:
    """A command that runs in a forked process, in the given folder.

    Args:
        folder: where it runs.
        words: as for `command_line`.
        prepare: called in the new process before the command; a function of a module, since it is pickled.
        variables: of its environment.
    """

    def __init__(
        self, folder: Path, *words: str | Path, prepare: Callable[[], object] = dict, **variables: str
    ) -> None:
        self._said = Path(tempfile.mkdtemp(dir=folder.parent))
        for name in ("stdout", "stderr"):
            (self._said / name).touch()  # there, too, where the process dies before it begins
        order = ([str(word) for word in words], folder, self._said, environment(**variables), prepare)
        self._process = _FORKS.Process(target=_become, args=order)
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit status, -9 after SIGKILL and so on; None while it runs."""
        return self._process.exitcode

    def kill(self) -> None:
        """As the system does when memory runs out: no handler is asked."""
        self._process.kill()

    def send_signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def wait(self) -> subprocess.CompletedProcess[str]:
        """Until it ends; what it said."""
        self._process.join()
        assert self.returncode is not None
        out, err = ((self._said / name).read_text() for name in ("stdout", "stderr"))
        return subprocess.CompletedProcess([], self.returncode, out, err)

    def wait_for(self, happened: Callable[[], bool]) -> None:
        """Until it has done something; a process that ends before has failed."""
        while not happened():
            assert self.returncode is None, self.wait()
            time.sleep(0.002)


def _become(
    words: list[str], folder: Path, said: Path, variables: dict[str, str], prepare: Callable[[], object]
) -> None:
    """Run the command in this process, with an output and an environment of its own."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(said / name, os.O_WRONLY), number)
    encoding = variables.get("PYTHONIOENCODING")
    sys.stdout = open(1, "w", encoding=encoding)  # noqa: SIM115 (it ends with the process)
    sys.stderr = open(2, "w", buffering=1)  # noqa: SIM115
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    sys.path.insert(0, str(ROOT))
    sys.argv = words
    prepare()
    if words[0] != "resnetzoo":
        runpy.run_path(words[0], run_name="__main__")
        return
    from resnetzoo.cli import main

    sys.exit(main())
