"""Classify image files: find and read them, predict their classes, and draw a contact sheet."""

from typing import TYPE_CHECKING

from resnetzoo.utils.lazy import export_lazily

if TYPE_CHECKING:
    from resnetzoo.inference.contact_sheet import check_no_image as check_no_image
    from resnetzoo.inference.contact_sheet import check_sheet_name as check_sheet_name
    from resnetzoo.inference.contact_sheet import save_sheet as save_sheet
    from resnetzoo.inference.image_files import NoImageError as NoImageError
    from resnetzoo.inference.predictor import Prediction as Prediction
    from resnetzoo.inference.predictor import model_title as model_title
    from resnetzoo.inference.predictor import predict as predict
else:
    __getattr__, __dir__, __all__ = export_lazily(
        __name__,
        names={
            "resnetzoo.inference.contact_sheet": ["check_no_image", "check_sheet_name", "save_sheet"],
            "resnetzoo.inference.image_files": ["NoImageError"],
            "resnetzoo.inference.predictor": ["Prediction", "model_title", "predict"],
        },
    )
