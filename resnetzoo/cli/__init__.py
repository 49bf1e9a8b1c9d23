"""The command `resnetzoo`."""

from resnetzoo.cli.app import app as app
from resnetzoo.cli.app import main as main
