"""Get the spec for a name, a spec or a network. No torch here, unless a network is passed."""

from typing import TYPE_CHECKING

from resnetzoo.errors import UsageError
from resnetzoo.models.registry import get_spec
from resnetzoo.models.spec import ModelSpec
from resnetzoo.utils.text import kind_of

if TYPE_CHECKING:
    from torch import nn


def spec_of(model: "str | ModelSpec | nn.Module", taker: str) -> ModelSpec:
    """The spec registered under a name, the spec of a network, or the given spec itself.

    Args:
        model: a name of the zoo, a spec, or a network of this package, also inside known wrappers. The spec of a
            network has as many input channels and classes as the network has now.
        taker: name of the calling function, for messages, such as `complexity`.

    Raises:
        UnknownModelError: a name that is not registered.
        UsageError: `model` is something else, or a network that no spec describes any more.
    """
    if isinstance(model, str):
        return get_spec(model)
    if isinstance(model, ModelSpec):
        return model
    from torch import nn

    from resnetzoo.models.introspection import current_spec
    from resnetzoo.models.wrappers import zoo_network

    if not isinstance(model, nn.Module):
        raise UsageError(f"{taker} takes a name of the zoo, a resnetzoo.ModelSpec or a network, not {kind_of(model)}")
    return current_spec(zoo_network(model, taker))
