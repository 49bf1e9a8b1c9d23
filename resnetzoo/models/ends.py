"""What goes into a network and what comes out of it, as its first and last layers say, whoever put them there."""

from torch import nn

_SAME_LENGTH = (nn.Dropout, nn.Identity, nn.ReLU, nn.GELU, nn.Softmax, nn.LogSoftmax, nn.BatchNorm1d, nn.LayerNorm)


def channels_into(stem: nn.Module) -> int | None:
    """Channels that the first layer takes, of several modules in a row the first that says it; None if none does."""
    if isinstance(stem, nn.Sequential):
        return next((found for module in stem if (found := channels_into(module)) is not None), None)
    channels: object = getattr(stem, "in_channels", None)
    return channels if isinstance(channels, int) else None


def length_of_logits(classifier: nn.Module) -> int | None:
    """What the last layer gives: 0 where there is none, `nn.Identity`; None where it does not say it.

    Of several modules in a row it is that of the last one that changes the length.
    """
    if isinstance(classifier, nn.Sequential):
        changing = [module for module in classifier if not isinstance(module, _SAME_LENGTH)]
        return length_of_logits(changing[-1]) if changing else 0
    if isinstance(classifier, nn.Identity):
        return 0
    length: object = getattr(classifier, "out_features", None)
    return length if isinstance(length, int) else None
