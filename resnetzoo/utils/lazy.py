"""Names that a package exports without importing them: each is imported when it is first used (PEP 562)."""

import sys
from importlib import import_module

TYPE_CHECKING = False  # what checkers take for that of `typing`, whose import is slow where it is the first
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def export_lazily(
    package: str, *, names: "Mapping[str, Sequence[str]]", submodules: "Sequence[str]" = ()
) -> "tuple[Callable[[str], object], Callable[[], list[str]], list[str]]":
    """The `__getattr__`, `__dir__` and `__all__` of a package whose names are imported when they are first used.

    Each name is kept in the package from its first use on, so that later uses cost nothing. The package hides the
    three from type checkers with `if TYPE_CHECKING:`, where ordinary imports say the same: a checker that sees a
    `__getattr__` takes every misspelled name for one that is there.

    Args:
        package: `__name__` of the package.
        names: what it exports, under the module that each name comes from.
        submodules: its own modules that are there without an import by the user.
    """
    sources = {name: module for module, exported in names.items() for name in exported}

    def load(name: str) -> object:
        """The attribute `name` of the package, imported now.

        Raises:
            AttributeError: the package exports no such name.
        """
        if name in sources:
            value = getattr(import_module(sources[name]), name)
        elif name in submodules:
            value = import_module(f"{package}.{name}")
        else:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=sys.modules[package])
        setattr(sys.modules[package], name, value)
        return value

    exported = sorted({*sources, *submodules})

    def list_names() -> list[str]:
        """What the package exports, whether it has been used or not, without what it needs itself to do so."""
        own = (name for name in vars(sys.modules[package]) if name.startswith("__"))
        return sorted({*own, *exported})

    return load, list_names, exported
