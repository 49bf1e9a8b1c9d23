"""What a network sees in image files: files found and read, their classes, and a sheet of them."""

from resnetzoo.inference.contact_sheet import save_sheet as save_sheet
from resnetzoo.inference.predictor import Prediction as Prediction
from resnetzoo.inference.predictor import model_title as model_title
from resnetzoo.inference.predictor import predict as predict
