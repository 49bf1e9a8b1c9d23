"""Registration of every network of the zoo with timm, and their creation by timm's name."""

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from timm.models import (
    DefaultCfg,
    PretrainedCfg,
    build_model_with_cfg,
    is_model,
    model_entrypoint,
    register_model,
)
from torch import Tensor, nn

from resnetzoo.data.normalization import Normalization
from resnetzoo.errors import CheckpointError, UsageError
from resnetzoo.interop.timm.configs import default_configs
from resnetzoo.interop.timm.network import TimmCifarNet
from resnetzoo.interop.timm.options import Options
from resnetzoo.interop.timm.stated import check_file, check_stated
from resnetzoo.models.fingerprint import attach_weights
from resnetzoo.models.input_channels import adapted_normalization
from resnetzoo.models.pretrained import Pretrained, Weights
from resnetzoo.models.registry import get_spec
from resnetzoo.models.spec import ModelSpec
from resnetzoo.utils.paths import user_path
from resnetzoo.weights.catalog import default_weights, get_weights, list_models, list_weights
from resnetzoo.weights.checkpoint.absorb_biases import absorb_biases
from resnetzoo.weights.checkpoint.key_mapping import find_mapping, remap_keys
from resnetzoo.weights.checkpoint.load import unwrap_content
from resnetzoo.weights.checkpoint.metadata import parse_metadata
from resnetzoo.weights.checkpoint.recognize import first_network
from resnetzoo.weights.checkpoint.safetensors_file import read_safetensors
from resnetzoo.weights.hub import local_path

PREFIX = "resnetzoo_"
_HEAD = ("num_classes", "in_chans", "global_pool")  # timm takes them from the configuration if they are left out
_SOURCES = ("file", "url", "state_dict", "hf_hub_id")  # where a configuration of timm gives the location of weights
_FOLDERS = ("local-dir", "hf-hub")  # the source that a configuration of timm states if it was read from a folder

Config = str | dict[str, Any] | PretrainedCfg | None  # a tag, or timm's configuration of some weights
default_cfgs: dict[str, DefaultCfg] = {}  # the name under which timm's registry looks for them


def register_networks() -> None:
    """Register each network of `list_models()` with timm, as `resnetzoo_NAME`.

    Importing `resnetzoo.interop.timm` calls it; call it again after `resnetzoo.register`. Earlier registrations stay.

    Raises:
        UsageError: another package has registered such a name.
    """
    for name in list_models():
        variant = PREFIX + name
        if not is_model(variant):
            default_cfgs[variant] = default_configs(name, variant)
            register_model(_entrypoint(name, variant))
        elif model_entrypoint(variant).__module__ != __name__:
            raise UsageError(
                f"timm already has another model called {variant}, from {model_entrypoint(variant).__module__}"
            )


def _entrypoint(name: str, variant: str) -> Callable[..., nn.Module]:
    """The function that timm calls to create the network `name`."""

    def create(
        pretrained: bool = False,
        pretrained_cfg: Config = None,
        pretrained_cfg_overlay: dict[str, Any] | None = None,
        cache_dir: str | Path | None = None,
        **options: Any,
    ) -> nn.Module:
        sources = dict(pretrained_cfg_overlay or {})
        return _build(name, variant, pretrained, pretrained_cfg, sources, cache_dir, Options.of(options))

    create.__name__ = create.__qualname__ = variant
    create.__doc__ = f"The network {name}; the arguments are those of `timm.create_model`."
    setattr(sys.modules[__name__], variant, create)  # timm adds its name to __all__
    return create


def _build(
    name: str,
    variant: str,
    pretrained: bool,
    config: Config,
    overlay: dict[str, Any],
    cache_dir: str | Path | None,
    options: Options,
) -> nn.Module:
    row = _row(name, config)
    elsewhere = isinstance(config, dict | PretrainedCfg) or any(overlay.get(source) for source in _SOURCES)
    ours = pretrained and not elsewhere
    folder = None if cache_dir is None else user_path(cache_dir)
    if ours:
        if options.zero_init_residual:
            raise UsageError("zero_init_residual is for fresh weights: leave it out, or leave out pretrained=True")
        row = row or default_weights(name)
        overlay["file"] = str(local_path(row, folder))  # with its hash checked
    spec = _spec(name, row, options, binding=not elsewhere)
    if pretrained and elsewhere and (file := _file(config, overlay)):
        check_file(file, spec)
        overlay["file"] = str(file)  # timm itself does not expand ~
    chosen = {key: getattr(options, key) for key in _HEAD}
    more = {"cache_dir": folder, "pretrained_model_args": options.pretrained_model_args}
    arguments: dict[str, Any] = {
        "pretrained_cfg": config,
        "pretrained_cfg_overlay": overlay,
        "pretrained_filter_fn": _our_weights,
        "pretrained_strict": options.pretrained_strict,
        "drop_rate": options.drop_rate,
        **options.feature_arguments(len(spec.stages)),
        **{key: value for key, value in {**chosen, **more}.items() if value is not None},
    }
    network: nn.Module = build_model_with_cfg(
        partial(_network, spec, features_only=options.features_only), variant, pretrained, **arguments
    )
    if ours and row is not None and isinstance(network, TimmCifarNet):
        _attach(network, row)
    return network


def _network(
    spec: ModelSpec,
    *,
    features_only: bool,
    num_classes: int | None = None,
    in_chans: int,
    drop_rate: float,
    global_pool: str = "avg",
) -> TimmCifarNet:
    """The network of `spec`, with the given head and input."""
    if features_only:  # timm extracts the stages, whose features are not pooled in any case
        global_pool = global_pool or "avg"
    classes = spec.num_classes if num_classes is None else num_classes
    model = TimmCifarNet(replace(spec, num_classes=classes or spec.num_classes, in_chans=in_chans), drop_rate=drop_rate)
    if classes == 0 or global_pool != "avg":
        model.reset_classifier(classes, global_pool)
    return model


def _row(name: str, config: Config) -> Weights | None:
    """The row whose tag a configuration names, if any.

    Raises:
        UsageError: no row has the tag; the message lists those of the network.
    """
    if isinstance(config, str):
        return get_weights(f"{name}.{config}")
    tag = config.get("tag") if isinstance(config, dict) else getattr(config, "tag", None)
    return next((row for row in list_weights(f"{name}.*") if row.tag == tag), None)


def _file(config: Config, overlay: dict[str, Any]) -> Path | None:
    """The file that timm loads; None if it takes the weights from elsewhere, such as a folder of its own."""
    own = config if isinstance(config, dict) else vars(config) if isinstance(config, PretrainedCfg) else {}
    sources = {**own, **overlay}
    if sources.get("source") in _FOLDERS or sources.get("state_dict") or not sources.get("file"):
        return None
    return user_path(sources["file"])


def _spec(name: str, row: Weights | None, options: Options, *, binding: bool) -> ModelSpec:
    """The registered spec, with the requested shortcut, or else that of the weights.

    Raises:
        UsageError: the weights have another shortcut than the requested one, and `binding` is true.
    """
    spec = get_spec(name)
    if binding and row is not None and options.shortcut not in (None, row.spec.shortcut):
        raise UsageError(
            f'{row.name} has shortcut="{row.spec.shortcut}", not "{options.shortcut}": leave out shortcut or the tag'
        )
    shortcut = options.shortcut or (spec if row is None else row.spec).shortcut
    return replace(spec, shortcut=shortcut, zero_init_residual=options.zero_init_residual or spec.zero_init_residual)


def _our_weights(state: dict[str, Any], model: TimmCifarNet) -> dict[str, Tensor]:
    """The weights of a file in fp32 under our names, whoever wrote it; timm fits them to `model`'s input and head.

    `state` is either the weights or a dictionary that contains them: timm unwraps files, but not dictionaries and what
    it fetches. For a run of `fit` it is the whole training state, whose network is chosen as in `load_checkpoint`.

    Raises:
        CheckpointError: `state` contains no weights of a network, or those of one that computes something else, also
            according to the name stored beside them.
    """
    unwrapped = first_network(unwrap_content(state))
    check_stated(unwrapped, model.spec)  # entries beside the weights, if timm has left any
    weights = unwrapped.weights
    mapping = find_mapping(weights)
    if mapping.computes(model.spec) != model.spec or mapping.last_norm != model.spec.last_norm:
        raise CheckpointError(
            f"the weights are in the layout of {mapping.name}, whose networks differ from {model.spec.label}: build "
            "the matching network with resnetzoo.load_checkpoint"
        )
    ours = absorb_biases(model.spec, remap_keys(mapping, weights))
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in ours.items()}


def _attach(model: TimmCifarNet, row: Weights) -> None:
    """Attach the known facts about its weights to the network, as far as they hold for its input and its head."""
    normalization: Normalization | None = row.normalization
    if row.packaged:  # the file states it to the last digit
        normalization = parse_metadata(read_safetensors(local_path(row)).metadata).pretrained.normalization
    same_input = model.in_chans == row.spec.in_chans
    if normalization is not None and not same_input:  # in the same way as timm has adapted conv1
        normalization = adapted_normalization(normalization, model.in_chans)
    same_head = model.num_classes == row.spec.num_classes
    model.pretrained = Pretrained(normalization, row.classes if same_head else None)
    if same_head and same_input:
        attach_weights(model, row)
