"""How a network is trained: recipes, schedules, the trainer, and what a run leaves behind."""

from typing import TYPE_CHECKING

from resnetzoo.utils.lazy import export_lazily

if TYPE_CHECKING:
    from resnetzoo.training.results import folder_name as folder_name
else:
    __getattr__, __dir__, __all__ = export_lazily(
        __name__,
        names={
            "resnetzoo.training.results": ["folder_name"],
        },
    )
