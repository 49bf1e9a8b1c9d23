"""The directive that writes the reference of the command line from the commands themselves."""

import inspect
import re
from collections.abc import Iterator, Sequence

import typer
from docutils import nodes
from generated import table
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from resnetzoo.cli import app

_DEFAULT = re.compile(r"\[(?:default: )?([^\[\]]+)\]$")
_NO_BRACKETS = str.maketrans("", "", "()")


def commands() -> dict[str, typer.main.TyperCommand]:
    """The commands by name, in the order in which `resnetzoo --help` lists them."""
    return typer.main.get_command(app).commands


class CommandLine(SphinxDirective):
    """One section per command: what it does, how it is called, and its arguments and options."""

    def run(self) -> list[nodes.Node]:
        return [_section(name, command) for name, command in commands().items()]


def _section(name: str, command: typer.main.TyperCommand) -> nodes.section:
    title = f"resnetzoo {name}"
    section = nodes.section("", nodes.title("", title), ids=[nodes.make_id(title)], names=[title])
    text, _, example = inspect.cleandoc(command.help or "").partition("Example: ")
    section += [nodes.paragraph("", " ".join(words.split())) for words in text.split("\n\n") if words.strip()]
    context = typer.Context(command, info_name=title)
    usage = " ".join(command.collect_usage_pieces(context))
    section += nodes.literal_block("", f"{title} {usage}", language="text")
    if example:
        section += nodes.literal_block("", example.strip().rstrip("."), language="sh")
    found = table(("argument or option", "meaning", "default"), list(_rows(command.params, context)), first_number=9)
    for row in list(found.findall(nodes.row))[1:]:
        row[0][0][:] = [nodes.literal("", row[0].astext())]
    section += found
    return section


def _rows(params: Sequence[typer.core.TyperArgument], context: typer.Context) -> Iterator[tuple[str, str, str]]:
    """What `--help` says about each parameter, with the default in a separate column."""
    for param in params:
        found = param.get_help_record(context)
        if found and param.name != "help":
            default = _DEFAULT.search(found[1])
            yield (
                found[0],
                _DEFAULT.sub("", found[1]).strip() or "-",
                default[1].translate(_NO_BRACKETS) if default else "-",
            )


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("command-line", CommandLine)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
