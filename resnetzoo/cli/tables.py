"""Tables on a terminal, in a pipe or in a file, and JSON for programs."""

import json
import sys
from typing import Any

from rich.console import Console
from rich.table import Table


def print_table(table: Table, *, width: int = 120) -> None:
    """Print it as wide as the terminal allows, or, where there is none, up to `width` characters wide.

    Colours are for terminals alone, whatever variables such as FORCE_COLOR say.
    """
    seen = sys.stdout.isatty()
    Console(width=None if seen else width, force_terminal=seen, force_interactive=seen).print(table)


def print_json(values: Any) -> None:
    """Print it as JSON that every program reads: a number that is infinite or NaN would be a mistake of ours."""
    print(json.dumps(values, indent=1, allow_nan=False), flush=True)
