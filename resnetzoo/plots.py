"""Pictures of networks and runs, and the style of all figures: the public names of several modules."""

from typing import TYPE_CHECKING

from resnetzoo.utils.lazy import export_lazily

if TYPE_CHECKING:
    from resnetzoo.models.diagram import draw as draw
    from resnetzoo.models.diagram import save_drawing as save_drawing
    from resnetzoo.models.looks import looks_of as looks_of
    from resnetzoo.reproduce.curves import error_curves as error_curves
    from resnetzoo.reproduce.curves import save_comparison as save_comparison
    from resnetzoo.reproduce.redrawing import draw_stored as draw_stored
    from resnetzoo.reproduce.redrawing import redraw_report as redraw_report
    from resnetzoo.utils.figures import DARK as DARK
    from resnetzoo.utils.figures import LIGHT as LIGHT
    from resnetzoo.utils.figures import Look as Look
    from resnetzoo.utils.figures import Theme as Theme
    from resnetzoo.utils.figures import styled as styled
else:
    __getattr__, __dir__, __all__ = export_lazily(
        __name__,
        names={
            "resnetzoo.models.diagram": ["draw", "save_drawing"],
            "resnetzoo.models.looks": ["looks_of"],
            "resnetzoo.reproduce.curves": ["error_curves", "save_comparison"],
            "resnetzoo.reproduce.redrawing": ["draw_stored", "redraw_report"],
            "resnetzoo.utils.figures": ["DARK", "LIGHT", "Look", "Theme", "styled"],
        },
    )
