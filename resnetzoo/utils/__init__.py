"""What has nothing to do with networks: checks of arguments, whole files, devices, random states, compiling."""

from typing import TYPE_CHECKING

from resnetzoo.utils.lazy import export_lazily

if TYPE_CHECKING:
    from resnetzoo.utils.device import resolve_device as resolve_device
    from resnetzoo.utils.device import resolve_precision as resolve_precision
    from resnetzoo.utils.text import printable as printable
else:
    __getattr__, __dir__, __all__ = export_lazily(
        __name__,
        names={
            "resnetzoo.utils.device": ["resolve_device", "resolve_precision"],
            "resnetzoo.utils.text": ["printable"],
        },
    )
