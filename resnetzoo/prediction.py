"""Classify image files: the public names of `resnetzoo.inference`."""

from resnetzoo.inference import NoImageError as NoImageError
from resnetzoo.inference import Prediction as Prediction
from resnetzoo.inference import check_no_image as check_no_image
from resnetzoo.inference import check_sheet_name as check_sheet_name
from resnetzoo.inference import model_title as model_title
from resnetzoo.inference import predict as predict
from resnetzoo.inference import save_sheet as save_sheet
