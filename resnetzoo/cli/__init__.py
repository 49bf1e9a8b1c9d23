"""The command `resnetzoo`."""

from resnetzoo.cli.entry import TYPE_CHECKING
from resnetzoo.cli.entry import main as main

if TYPE_CHECKING:
    from resnetzoo.cli.command_line import app as app
else:
    from resnetzoo.cli.entry import load_app as __getattr__  # noqa: F401 (PEP 562)
