"""Tables on a terminal, in a pipe or in a file, and JSON for programs."""

import json
import sys
from typing import Any

from rich.console import Console
from rich.table import Table

_FOLDED = 8  # characters that a column has at least which takes several lines


def print_table(*tables: Table, width: int = 120) -> None:
    """Print a table as wide as the terminal allows, or without a terminal up to `width` characters wide.

    No text is cut: what does not fit takes several lines, columns with `no_wrap` only if there is no room for them.
    Of several tables, from wide to narrow, the first that needs no further lines is printed, or else the last.
    Colors appear only on terminals, whatever variables such as FORCE_COLOR say.
    """
    seen = sys.stdout.isatty()
    console = Console(width=None if seen else width, force_terminal=seen, force_interactive=seen)
    table = next((table for table in tables if _width(console, table) <= console.width), tables[-1])
    fits = _width(console, table, folded=_FOLDED) <= console.width
    for column in table.columns:
        column.overflow = "fold"
        column.no_wrap = column.no_wrap and fits  # rich cuts such columns
    console.print(table)


def _width(console: Console, table: Table, folded: int | None = None) -> int:
    """The width that a table takes if each column without `no_wrap` takes at most `folded` characters."""
    texts = console.options.update(max_width=sys.maxsize)
    width = 1  # a line after each column, with a space on both sides of its text
    for column in table.columns:
        longest = max(console.measure(text, options=texts).maximum for text in (column.header, *column.cells))
        width += 3 + (longest if folded is None or column.no_wrap else min(longest, folded))
    return width


def print_json(values: Any) -> None:
    """Print values as JSON that every program can read; an infinite number or NaN would be a bug."""
    print(json.dumps(values, indent=1, allow_nan=False), flush=True)
