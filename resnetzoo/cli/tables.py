"""Tables on a terminal, in a pipe or in a file."""

import sys

from rich.console import Console
from rich.table import Table


def print_table(table: Table, *, width: int = 120) -> None:
    """Print it as wide as the terminal allows, or, where there is none, up to `width` characters wide."""
    Console(width=None if sys.stdout.isatty() else width).print(table)
