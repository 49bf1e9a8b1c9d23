"""Messages of the Python functions in the words of the command line: `--device cuda` for `device="cuda"`."""

import re
import shlex
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from typer.core import TyperCommand

import resnetzoo

# No numbers, since a folder may be called `lr=0.1`.
_ARGUMENT = re.compile(r'(?<![\w/\\.,=-])(?P<name>[a-z]\w*)=(?P<value>"[^"]*"|True\b|False\b|\.\.\.)')
_WORDS = "resnetzoo.words"
_CALL = re.compile(r"[\w\])]$")  # what precedes the parenthesis of a call


class CommandOfOptions(TyperCommand):
    """A command whose errors and warnings name its options as they are typed."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words, and keep them: an option may have a former name, by which messages should call it, too."""
        ctx.meta[_WORDS] = [word.split("=")[0] for word in args]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command.

        Raises:
            ResnetzooError: the error of the command's functions, in the words of the command line.
        """
        typed = self._typed(ctx.meta[_WORDS])
        with self._warnings_of_options(typed, self._own(ctx)):
            try:
                return super().invoke(ctx)
            except (resnetzoo.ResnetzooError, Warning) as error:
                first, *others = error.args or ("",)
                message = f"{first}"
                if isinstance(error, resnetzoo.UsageError):  # others begin with a path, which may be called `out`
                    message = with_option(message, typed)
                error.args = (in_typed_words(message, typed, self._own(ctx)), *others)
                raise

    def _typed(self, words: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Name of a parameter -> the option that was or can be typed for it, and the option for False."""
        return {
            name.removeprefix("--").replace("-", "_"): (
                next((word for word in words if word in option.opts), option.opts[0]),
                (option.secondary_opts or [""])[0],
            )
            for option in self.params
            for name in (f"{option.name}", *option.opts)
            if option.opts[0].startswith("-")
        }

    @staticmethod
    def _own(ctx: Any) -> list[str]:
        """The words that were typed for this command, including paths."""
        return [f"{value}" for value in ctx.params.values() if value is not None]

    @contextmanager
    def _warnings_of_options(self, typed: Mapping[str, Sequence[str]], own: Sequence[str]) -> Iterator[None]:
        former = warnings.formatwarning

        def in_options(message: Warning | str, *rest: Any) -> str:
            return former(in_typed_words(f"{message}", typed, own), *rest)

        warnings.formatwarning = in_options  # type: ignore[assignment]
        try:
            yield
        finally:
            warnings.formatwarning = former


def with_option(message: str, typed: Mapping[str, Sequence[str]]) -> str:
    """A message whose first word becomes an option if it names a parameter; `typed` is as in `in_typed_words`."""
    word, space, rest = message.partition(" ")
    return f"{typed[word][0]}{space}{rest}" if word in typed else message


def in_typed_words(message: str, typed: Mapping[str, Sequence[str]], own: Iterable[str] = ()) -> str:
    """A message with each `name="value"` or `name=True` outside of calls written as an option.

    Args:
        message: the message of a Python function.
        typed: name of a parameter -> its option, and the option for False, which is empty if there is none.
        own: the words that were typed; text that occurs in one of them, such as the name of a folder, is not changed.
    """

    def as_option(found: re.Match[str]) -> str:
        name, value = found["name"], found["value"]
        if name not in typed or _is_in_call(message[: found.start()]) or any(found[0] in word for word in own):
            return found[0]
        option, opposite = typed[name]
        if value == "False":
            return opposite or found[0]
        return option if value in ("True", "...") else f"{option} {shlex.quote(value[1:-1])}"

    return _ARGUMENT.sub(as_option, message)


def _is_in_call(before: str) -> bool:
    """Whether a text ends inside the parentheses of a call, so that what follows is Python code."""
    opened: list[bool] = []
    for place, sign in enumerate(before):
        if sign == "(":
            opened.append(bool(_CALL.search(before[:place])))
        elif sign == ")" and opened:
            opened.pop()
    return any(opened)
