"""Which parts of a network are still as the package built them; others may compute anything and are only called."""

from torch import nn
from torch.nn.utils import parametrize

from resnetzoo.models.cifar_net import CifarNet, without_values

_PACKAGE = __name__.split(".")[0]
_PASSES = ("forward", "forward_features", "forward_stem", "forward_stages", "forward_end", "forward_head")
_HOOKS = {
    "_forward_pre_hooks": "a forward-pre hook",
    "_forward_hooks": "a forward hook",
    "_backward_pre_hooks": "a backward-pre hook",
    "_backward_hooks": "a backward hook",
}
_PLAIN = (bool, int, float, str, tuple, list)
# What weights show by their shapes, how norms and dropouts are trained, and what changes no value.
_NOT_COMPARED = frozenset(
    {
        *("in_channels", "out_channels", "in_features", "out_features", "num_features", "num_channels", "kernel_size"),
        *("training", "momentum", "track_running_stats", "p", "inplace"),
    }
)


class AsBuilt:
    """Compares the modules of a network with those that its spec describes; their weights may have any values.

    Args:
        network: the network, which may have been changed since it was built.
    """

    def __init__(self, network: CifarNet) -> None:
        self.found = dict(network.named_modules(remove_duplicate=False))
        self.built = dict(without_values(network.spec).named_modules())

    def change(self, name: str) -> str | None:
        """How the module of this name differs from what was built, such as `is of the class StdConv2d`; or None."""
        return self.other_kind(name) or hook_on(self.found[name]) or hook_on_all()

    def other_kind(self, name: str) -> str | None:
        """Like `change`, but ignores hooks, which change only inputs and outputs."""
        if name not in self.found:
            return "is missing"
        found, built = self.found[name], self.built[name]
        if parametrize.is_parametrized(found):
            return "is parametrized"
        if isinstance(found, CifarNet) and isinstance(built, CifarNet):
            return _own_passes(found)
        if type(found) is not type(built) and not _is_synchronized(found, built):
            return f"is of the class {type(found).__name__}"
        if "forward" in vars(found):
            return "has another forward"
        if isinstance(built, nn.Sequential) and list(found._modules) != list(built._modules):
            return f"has {len(found._modules)} modules in it, not {len(built._modules)}"
        return None

    def other_settings(self, name: str) -> str | None:
        """Which setting of a module is not as built, among those that its weights do not show."""
        built = _settings(self.built[name])
        found = {setting: _setting(self.found[name], setting) for setting in built}
        differing = [setting for setting in built if found[setting] != built[setting]]
        return next((f"has {setting} {found[setting]}, not {built[setting]}" for setting in differing), None)

    def changes(self) -> dict[str, str]:
        """How each changed module differs from what was built, by name; the network itself has an empty name."""
        every = ((name, self.change(name)) for name in self.built)
        return {name: change for name, change in every if change is not None}


def has_only_known_parts(network: nn.Module) -> bool:
    """Whether all modules are this package's or torch's, without hooks, so that no user code runs in the network."""
    return all(_is_known(module) for module in network.modules())


def hook_on(module: nn.Module) -> str | None:
    """Which kind of hook the module has, such as `has a forward hook`; None if it has none.

    Pruning, and the older weight norm and spectral norm, are forward-pre hooks.
    """
    return next((f"has {words}" for hooks, words in _HOOKS.items() if getattr(module, hooks)), None)


def hook_on_all() -> str | None:
    """Which kind of hook torch's `register_module_forward_hook` or the like gave to all modules; None without one."""
    found = (words for hooks, words in _HOOKS.items() if getattr(nn.modules.module, f"_global{hooks}"))
    return next((f"has {words}, as all modules have" for words in found), None)


def hooks_on_outputs(network: nn.Module) -> list[str]:
    """The names of modules with hooks before or after their forward pass, which may change their output."""
    kinds = ("_forward_pre_hooks", "_forward_hooks")
    return [name for name, module in network.named_modules() if any(getattr(module, hooks) for hooks in kinds)]


def _is_known(module: nn.Module) -> bool:
    home = type(module).__module__
    known = home.startswith("torch.nn.modules.") or home.split(".")[0] == _PACKAGE
    return known and not hook_on(module) and not hook_on_all() and not any(name in vars(module) for name in _PASSES)


def _settings(module: nn.Module) -> dict[str, object]:
    """The plain values among its attributes, whatever its class calls them."""
    names = [name for name, value in vars(module).items() if isinstance(value, _PLAIN) and not name.startswith("_")]
    return {name: _setting(module, name) for name in names if name not in _NOT_COMPARED}


def _setting(module: nn.Module, name: str) -> object:
    value: object = getattr(module, name, None)
    if name == "padding" and value == "same" and isinstance(module, nn.Conv2d):
        return tuple(step * (kernel - 1) // 2 for step, kernel in zip(module.dilation, module.kernel_size, strict=True))
    if name == "output_size" and isinstance(value, tuple | list) and len(set(value)) == 1:
        return value[0]  # of a square pool, as torchvision writes it
    return value


def _is_synchronized(found: nn.Module, built: nn.Module) -> bool:
    """Whether it is what `convert_sync_batchnorm` made of a batch norm: in evaluation it computes the same."""
    return type(found) is nn.SyncBatchNorm and type(built) is nn.BatchNorm2d


def _own_passes(network: CifarNet) -> str | None:
    """Which pass a subclass, or an assignment to the network, replaces, such as `has another forward`; or None."""
    for name in _PASSES:
        method = getattr(type(network), name)
        if name in vars(network) or method.__module__.split(".")[0] != _PACKAGE:
            return f"has another {name}"
    return None
