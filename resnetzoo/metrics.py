"""What logits say beyond the error: the public names of the measures in `resnetzoo.evaluation`."""

from resnetzoo.evaluation.calibration import Calibration as Calibration
from resnetzoo.evaluation.calibration import CalibrationBin as CalibrationBin
from resnetzoo.evaluation.calibration import calibration as calibration
from resnetzoo.evaluation.calibration import expected_calibration_error as expected_calibration_error
from resnetzoo.evaluation.checked_logits import log_probabilities as log_probabilities
from resnetzoo.evaluation.metrics import logits_of as logits_of
from resnetzoo.evaluation.named_metrics import METRICS as METRICS
from resnetzoo.evaluation.named_metrics import measure as measure
from resnetzoo.evaluation.scores import accuracy as accuracy
from resnetzoo.evaluation.scores import accuracy_by_class as accuracy_by_class
from resnetzoo.evaluation.scores import brier_score as brier_score
from resnetzoo.evaluation.scores import confusion_matrix as confusion_matrix
from resnetzoo.evaluation.scores import negative_log_likelihood as negative_log_likelihood
from resnetzoo.evaluation.scores import top_k_error as top_k_error
from resnetzoo.evaluation.significance import BootstrapDifference as BootstrapDifference
from resnetzoo.evaluation.significance import PairedCounts as PairedCounts
from resnetzoo.evaluation.significance import agreement as agreement
from resnetzoo.evaluation.significance import mcnemar as mcnemar
from resnetzoo.evaluation.significance import paired_bootstrap as paired_bootstrap
from resnetzoo.evaluation.significance import paired_counts as paired_counts
from resnetzoo.evaluation.temperature import TemperatureScaling as TemperatureScaling
from resnetzoo.evaluation.temperature import fit_temperature as fit_temperature
from resnetzoo.evaluation.temperature import temperature_scaling as temperature_scaling
