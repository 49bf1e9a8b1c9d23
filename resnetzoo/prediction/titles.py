"""What tables and pictures call a network, and a file."""

from torch import nn

from resnetzoo.network import CifarNet
from resnetzoo.weights.carried import true_row


def model_title(model: nn.Module) -> str:
    """A network with the test error of its row of weights, or else with the file that it comes from.

    Weights that were changed since keep the name of their row, and lose its error.
    """
    if not isinstance(model, CifarNet):
        return type(model).__name__
    row = true_row(model)
    if row is not None:
        return f"{row.name}, top-1 test error {row.test_error:.2f} % (n = {row.test_images:,})"
    if model.weights is not None:
        return f"{model.spec.label}, changed since it was {model.weights.name}"
    return model.spec.label if model.origin is None else f"{model.spec.label} from {shown(model.origin.path)}"


def shown(text: object) -> str:
    """The text as one line that every terminal prints: file names may hold line breaks, and bytes that are no text."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in str(text))
