"""Settings of modules that callbacks may change, such as the `p` of a dropout, where steps run on something else.

Compiled and shared steps run on a twin of the network that shares its tensors, and recorded ones repeat what was
recorded. Both learn of changed settings at the start of the next epoch.
"""

from collections.abc import Iterable
from types import NoneType

from torch import nn

_PLAIN = (bool, int, float, str, NoneType)


class ModuleSettings:
    """The plain settings of a network's modules as they were last seen.

    Args:
        model: whose settings may change.
        twin: a copy of it, which gets the changes; None if there is none.
        leave_out: settings in which the two may differ.
    """

    def __init__(self, model: nn.Module, twin: nn.Module | None = None, leave_out: Iterable[str] = ()) -> None:
        self._leave_out = frozenset(leave_out)
        self._modules = list(model.modules())
        self._twins = [None] * len(self._modules) if twin is None else list(twin.modules())
        self._seen = [self._settings_of(module) for module in self._modules]

    def carry_over(self) -> bool:
        """Whether settings have changed since they were last seen; the twin gets the new values."""
        changed = False
        for number, (module, twin) in enumerate(zip(self._modules, self._twins, strict=True)):
            before, now = self._seen[number], self._settings_of(module)
            if now == before:
                continue
            changed, self._seen[number] = True, now
            for name, value in now.items():
                if twin is not None and (name not in before or value != before[name]):
                    setattr(twin, name, value)
        return changed

    def _settings_of(self, module: nn.Module) -> dict[str, object]:
        plain: dict[str, object] = {name: value for name, value in vars(module).items() if isinstance(value, _PLAIN)}
        for name in self._leave_out:
            plain.pop(name, None)
        return plain
