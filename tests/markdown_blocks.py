"""The blocks of code in a page of Markdown, each with the reason why it is not run, if there is one."""

import re
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(
    r"(?:^(?:% not run: (?P<in_docs>[^\n]+)|<!-- not run: (?P<in_readme>[^\n]+) -->)\n)?"
    r"^```(?P<kind>\w+)\n(?P<code>.*?)^```",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    kind: str
    code: str
    reason: str

    @property
    def commands(self) -> list[str]:
        """The lines that call the command line."""
        return [line for line in self.code.splitlines() if line.startswith("resnetzoo ")] if self.kind == "sh" else []


def blocks_of(page: Path) -> list[Block]:
    return [
        Block(found["kind"], found["code"], found["in_docs"] or found["in_readme"] or "")
        for found in _BLOCK.finditer(page.read_text())
    ]
