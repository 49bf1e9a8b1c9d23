"""Move an old run out of the folder of a new one; nothing is deleted."""

import shutil
from itertools import count
from pathlib import Path

from resnetzoo.utils.files import is_there, writing

_LOCKS = ".run."
"""What the names of the lock's files begin with; they stay, since the new run holds the lock."""


def set_aside(folder: Path) -> Path | None:
    """Move the content of a run's folder to `folder-old1`, or the next free name, and return it; None if it is empty.

    Raises:
        OutputError: a file cannot be moved; it stays where it is.
    """
    with writing(folder, "move it away by hand or choose another folder"):
        found = sorted(path for path in folder.iterdir() if not path.name.startswith(_LOCKS))
        if not found:
            return None
        whole = folder.resolve()
        aside = next(path for n in count(1) if not is_there(path := whole.with_name(f"{whole.name}-old{n}")))
        aside.mkdir()
        for path in found:
            shutil.move(path, aside / path.name)
    return aside
