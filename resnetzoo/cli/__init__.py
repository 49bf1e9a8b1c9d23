"""The command `resnetzoo`."""

from resnetzoo.cli.command_line import app as app
from resnetzoo.cli.command_line import main as main
