"""Input channels and output length of a network, read from its first and last layers, even if they were replaced."""

from torch import nn

_SAME_LENGTH = (nn.Dropout, nn.Identity, nn.ReLU, nn.GELU, nn.Softmax, nn.LogSoftmax, nn.BatchNorm1d, nn.LayerNorm)


def channels_into(stem: nn.Module) -> int | None:
    """Input channels of the first layer; in a sequence, those of the first module that states them, or None."""
    if isinstance(stem, nn.Sequential):
        return next((found for module in stem if (found := channels_into(module)) is not None), None)
    channels: object = getattr(stem, "in_channels", None)
    return channels if isinstance(channels, int) else None


def length_of_logits(classifier: nn.Module) -> int | None:
    """Output length of the last layer: 0 if there is none (`nn.Identity`); None if it cannot be read from the layer.

    In a sequence, the last module that changes the length decides.
    """
    if isinstance(classifier, nn.Sequential):
        changing = [module for module in classifier if not isinstance(module, _SAME_LENGTH)]
        return length_of_logits(changing[-1]) if changing else 0
    if isinstance(classifier, nn.Identity):
        return 0
    length: object = getattr(classifier, "out_features", None)
    return length if isinstance(length, int) else None
