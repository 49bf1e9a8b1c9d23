"""What a network sees in image files: files found and read, their classes, and a sheet of them."""

from resnetzoo.prediction.predicting import Prediction as Prediction
from resnetzoo.prediction.predicting import predict as predict
from resnetzoo.prediction.sheet import save_sheet as save_sheet
from resnetzoo.prediction.titles import model_title as model_title
