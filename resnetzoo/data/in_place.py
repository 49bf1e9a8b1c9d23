"""Notice that tensors are changed in place, after which what was measured on them or said of them no longer holds."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

from torch import Tensor

_Result = TypeVar("_Result")


def changes_of(tensors: Sequence[Tensor]) -> tuple[int, ...] | None:
    """How often torch changed each tensor in place; None if one is of inference mode, where torch does not count.

    Writing to its `.data`, or to a numpy array that shares its memory, is not counted either.
    """
    if any(tensor.is_inference() for tensor in tensors):
        return None
    return tuple(tensor._version for tensor in tensors)


class MeasuredOnce:
    """Results by name, each measured again only after a tensor that it depends on was changed in place.

    A deep copy or a pickle is empty, because copied tensors count their changes anew.
    """

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[tuple[int, ...], Any]] = {}

    def get(self, name: Hashable, tensors: Sequence[Tensor], measure: Callable[[], _Result]) -> _Result:
        """The result of `measure`, which depends on nothing but `tensors`: always the same ones for a name."""
        changes = changes_of(tensors)
        if changes is None:
            return measure()
        if name not in self._kept or self._kept[name][0] != changes:
            self._kept[name] = changes, measure()
        result: _Result = self._kept[name][1]
        return result

    def __reduce__(self) -> tuple[type["MeasuredOnce"], tuple[()]]:
        return type(self), ()


class TrueUntilChanged:
    """Whether something is true of tensors: if it was said of them, and none was changed in place since."""

    def __init__(self, said: bool, tensors: Sequence[Tensor]) -> None:
        self._said, self._tensors, self._changes = said, tensors, changes_of(tensors)

    def __bool__(self) -> bool:
        return self._said and changes_of(self._tensors) == self._changes

    def __reduce__(self) -> tuple[type["TrueUntilChanged"], tuple[bool, Sequence[Tensor]]]:
        return type(self), (bool(self), self._tensors)


class OfficialField:
    """The field `official` of a dataclass, without a default, whose `__post_init__` assigns a `TrueUntilChanged`."""

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        if instance is None:
            raise AttributeError("official")  # which tells the dataclass that there is no default
        value = vars(instance)["official"]
        return bool(value) if isinstance(value, TrueUntilChanged) else value

    def __set__(self, instance: object, value: Any) -> None:
        vars(instance)["official"] = value
