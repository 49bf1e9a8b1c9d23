"""torchmetrics over the logits against `evaluate` on the same images."""

import pytest
import torch

import resnetzoo

metrics = pytest.importorskip("torchmetrics.classification", reason="torchmetrics is not installed")


def test_accuracy_is_what_evaluate_says() -> None:
    model = resnetzoo.create("resnet20", weights=True).eval()
    model.classes = None  # those of other images
    test = resnetzoo.synthetic(seed=0, train_images=10, test_images=300).test
    accuracy = metrics.MulticlassAccuracy(num_classes=10, average="micro")
    calibration = metrics.MulticlassCalibrationError(num_classes=10, n_bins=1, norm="l1")
    normalize = model.normalization
    confidences = []
    with torch.inference_mode():
        for first in range(0, len(test), 64):
            images, labels = test.images[first : first + 64], test.labels[first : first + 64]
            logits = model(normalize(images))
            accuracy.update(logits, labels)
            calibration.update(logits, labels)
            confidences.append(logits.softmax(1).amax(1))
    error = resnetzoo.evaluate(model, test).error
    assert 0 < error < 100
    assert float(accuracy.compute()) == pytest.approx(1 - error / 100)
    gap = abs(float(torch.cat(confidences).mean()) - (1 - error / 100))
    assert float(calibration.compute()) == pytest.approx(gap, abs=1e-5)
