"""Messages of the Python functions in the words of the command line: `--batch-size` for `batch_size`."""

from typing import Any

from typer.core import TyperCommand

import resnetzoo


class CommandOfOptions(TyperCommand):
    """A command that, if a function refuses an argument, names the option as it was typed."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command.

        Raises:
            UsageError: the error of the command's functions; a parameter's name at its start is replaced by the option.
        """
        try:
            return super().invoke(ctx)
        except resnetzoo.UsageError as error:
            word, _, rest = str(error).partition(" ")
            typed = {
                name.removeprefix("--").replace("-", "_"): option.opts[0]
                for option in self.params
                for name in (f"{option.name}", *option.opts)
                if option.opts[0].startswith("-")
            }
            if word not in typed:
                raise
            raise resnetzoo.UsageError(f"{typed[word]} {rest}") from error
