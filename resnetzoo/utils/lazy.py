"""Names that a package exports without importing them: each is imported when it is first used (PEP 562)."""

import sys
from importlib import import_module

TYPE_CHECKING = False  # to type checkers that of `typing`, which is slow to import if nothing else has
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def export_lazily(
    package: str, *, names: "Mapping[str, Sequence[str]]", submodules: "Sequence[str]" = ()
) -> "tuple[Callable[[str], object], Callable[[], list[str]], list[str]]":
    """The `__getattr__`, `__dir__` and `__all__` of a package whose names are imported when they are first used.

    Each name is stored in the package when it is first used, so that later uses cost nothing. The package hides the
    three from type checkers and gives them ordinary imports in `if TYPE_CHECKING:` instead, since a checker that sees a
    `__getattr__` accepts every misspelled name.

    Args:
        package: `__name__` of the package.
        names: the exported names, by the module that each comes from.
        submodules: modules of the package that users need not import.
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
        """The names that the package exports, used or not, without the helpers that it needs for that."""
        own = (name for name in vars(sys.modules[package]) if name.startswith("__"))
        return sorted({*own, *exported})

    return load, list_names, exported
