"""Metrics of a network's logits: errors, confusion matrices, and proper scores of the probabilities.

All of them accept logits (N, classes) and labels (N,), as tensors or arrays of any number type; `log_probabilities`
converts probabilities to logits. All images have the same weight. Errors and accuracies are in percent, as everywhere
in this package.
"""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (the field's standard name)

from resnetzoo.evaluation.checked_logits import Values, checked
from resnetzoo.utils.validation import check_whole_number


def top_k_error(logits: Values, labels: Values, k: int = 1) -> float:
    """Share of images, in percent, whose label is not among the `k` largest logits; ties go to the first class.

    >>> top_k_error(torch.tensor([[2.0, 1.0, 0.0], [2.0, 1.0, 0.0]]), torch.tensor([0, 1]))
    50.0

    Args:
        logits: (N, classes).
        labels: (N,), from 0.
        k: from 1 to the number of classes; 1 gives the test error of a run.

    Raises:
        UsageError: there is no image, a shape is wrong, a label has no logit, or `k` is out of range.
        NonFiniteLossError: a logit is NaN or plus infinity.
    """
    values, truth = checked(logits, labels)
    check_whole_number("k", k, maximum=values.shape[1])
    own = values.gather(1, truth[:, None])  # (N, 1)
    earlier = torch.arange(values.shape[1], device="cpu") < truth[:, None]  # (N, classes)
    ahead = (values > own) | ((values == own) & earlier)
    return 100 * int((ahead.sum(dim=1) >= k).sum()) / len(truth)


def accuracy(logits: Values, labels: Values, k: int = 1) -> float:
    """100 minus `top_k_error`, in percent; arguments and errors are the same."""
    return 100 - top_k_error(logits, labels, k)


def negative_log_likelihood(logits: Values, labels: Values) -> float:
    """Mean of -log p(label) in nats, which is the cross-entropy without label smoothing.

    It is infinite if a label has probability 0. Arguments and errors are those of `top_k_error`, without `k`.
    """
    values, truth = checked(logits, labels)
    return float(F.cross_entropy(values, truth))


def brier_score(logits: Values, labels: Values) -> float:
    """Mean over images of the sum over classes of (p - 1[class is the label])^2: 0 is best, 2 the worst.

    Brier (1950), Verification of forecasts expressed in terms of probability. Arguments and errors are those of
    `top_k_error`, without `k`.
    """
    values, truth = checked(logits, labels)
    return float((values.softmax(dim=1) - F.one_hot(truth, values.shape[1])).square().sum(dim=1).mean())


def confusion_matrix(logits: Values, labels: Values) -> Tensor:
    """How many images of the row's class are assigned to the column's class, int64 (classes, classes).

    A class without images has a row of zeros. Arguments and errors are those of `top_k_error`, without `k`.
    """
    values, truth = checked(logits, labels)
    classes = values.shape[1]
    return torch.bincount(truth * classes + values.argmax(dim=1), minlength=classes**2).view(classes, classes)


def accuracy_by_class(logits: Values, labels: Values) -> tuple[float | None, ...]:
    """Top-1 accuracy on the images of each class, in percent; None for a class without images.

    Arguments and errors are those of `top_k_error`, without `k`.
    """
    matrix = confusion_matrix(logits, labels)
    rows = zip(matrix.diagonal().tolist(), matrix.sum(dim=1).tolist(), strict=True)
    return tuple(100 * correct / n if n else None for correct, n in rows)
