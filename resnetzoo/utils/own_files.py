"""Names for the temporary files of one process among several, and the files that ended processes left."""

import os
import re
import secrets
import socket
from pathlib import Path

_SUFFIX = ".part"


def own_name(path: Path) -> Path:
    """A hidden name beside `path` that no other process, thread or machine uses."""
    return path.with_name(f".{path.name}.{host_name()}.{os.getpid()}.{secrets.token_hex(3)}{_SUFFIX}")


def abandoned(path: Path) -> list[Path]:
    """Files with an `own_name` of `path` from processes of this machine that have ended."""
    pattern = re.compile(re.escape(f".{path.name}.{host_name()}.") + r"(\d+)\.[0-9a-f]{6}" + re.escape(_SUFFIX))
    matches = ((place, pattern.fullmatch(place.name)) for place in path.parent.iterdir())
    return [place for place, match in matches if match and not is_alive(int(match[1]))]


def host_name() -> str:
    """The name of this machine, without characters that a file name cannot contain."""
    return re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname()) or "host"


def is_alive(pid: int) -> bool:
    """Whether a process runs on this machine, including processes of other users."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True
