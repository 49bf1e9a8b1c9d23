"""Tables on a terminal, in a pipe or in a file, and JSON for programs."""

import json
import sys
from typing import Any

from rich.console import Console
from rich.table import Table


def print_table(table: Table, *, width: int = 120) -> None:
    """Print a table as wide as the terminal allows, or without a terminal up to `width` characters wide.

    Colors appear only on terminals, whatever variables such as FORCE_COLOR say.
    """
    seen = sys.stdout.isatty()
    Console(width=None if seen else width, force_terminal=seen, force_interactive=seen).print(table)


def print_json(values: Any) -> None:
    """Print values as JSON that every program can read; an infinite number or NaN would be a bug."""
    print(json.dumps(values, indent=1, allow_nan=False), flush=True)
