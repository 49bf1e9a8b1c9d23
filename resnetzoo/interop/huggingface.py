"""Networks in folders and repositories of the Hugging Face Hub, by huggingface_hub's own mixin.

A folder holds `config.json`, which is the spec; `model.safetensors`, with the normalization in its metadata, which
`load_checkpoint` reads as well; and `README.md`, the model card.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

try:
    from huggingface_hub import ModelCard, PyTorchModelHubMixin, constants, hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, HFValidationError, LocalEntryNotFoundError
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        'resnetzoo.interop.huggingface needs huggingface_hub: pip install "resnetzoo[huggingface]"'
    ) from error

from resnetzoo.errors import CheckpointError, UsageError
from resnetzoo.interop.model_card import card_of, is_untouched
from resnetzoo.models.cifar_net import CifarNet
from resnetzoo.models.introspection import class_names, current_spec, stored_spec
from resnetzoo.models.spec import ModelSpec
from resnetzoo.models.wrappers import zoo_network
from resnetzoo.utils.device import resolve_device
from resnetzoo.utils.paths import user_path
from resnetzoo.utils.strict_json import from_json
from resnetzoo.weights.checkpoint.build import build_network
from resnetzoo.weights.checkpoint.load import attach
from resnetzoo.weights.checkpoint.metadata import parse_metadata, parse_spec
from resnetzoo.weights.checkpoint.recognize import recognize
from resnetzoo.weights.checkpoint.safetensors_file import read_safetensors
from resnetzoo.weights.checkpoint.unwrap import Unwrapped
from resnetzoo.weights.save import save_weights

Find = Callable[[str], str | Path]
"""Returns the path of a file in a folder or repository, given its name."""


class HubCifarNet(CifarNet, PyTorchModelHubMixin):
    """A CIFAR network with `save_pretrained`, `from_pretrained` and `push_to_hub`.

    An existing README.md in the folder is rewritten, unless it was edited by hand.

    >>> import resnetzoo
    >>> network = HubCifarNet.of(resnetzoo.create("resnet20", weights=True))
    >>> network.save_pretrained("resnet20-cifar10")  # doctest: +SKIP
    >>> network.push_to_hub("you/resnet20-cifar10")  # doctest: +SKIP
    >>> HubCifarNet.from_pretrained("you/resnet20-cifar10").spec.depth  # doctest: +SKIP
    20

    Args:
        spec: the spec of the network.
    """

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__(spec)

    @classmethod
    def of(cls, model: nn.Module) -> "HubCifarNet":
        """A copy of a network, with its weights, normalization, classes, row of weights and origin.

        Frozen parameters stay frozen, and each module is in the mode of its original; hooks are not copied.

        Raises:
            UsageError: the model is not a network of the zoo, has lost its classifier or stages, or computes something
                else than its spec.
        """
        given = zoo_network(model, "HubCifarNet")
        with torch.device("meta"):  # no memory and no random numbers for weights that are replaced
            network = cls(stored_spec(given))
        state = {name: tensor.detach().clone() for name, tensor in given.state_dict().items()}
        network.load_state_dict(state, assign=True)
        network.pretrained = replace(given.pretrained, classes=class_names(given))
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(given.get_parameter(name).requires_grad)
        for name, module in network.named_modules():
            module.training = given.get_submodule(name).training
        return network

    def generate_model_card(self, **metadata: Any) -> ModelCard:
        """The card that `save_pretrained` writes as README.md, with the facts of the weights' row or other known facts.

        Args:
            metadata: fields of the card's metadata to override, such as `license="mit"`;
                `save_pretrained` and `push_to_hub` accept them as `model_card_kwargs`.
        """
        return ModelCard(card_of(self, metadata))

    def save_pretrained(self, save_directory: str | Path, **options: Any) -> str | None:
        """Write configuration, weights and model card to a folder, which is created if it is missing.

        Args:
            save_directory: the folder; `~` at its start means a home folder.
            options: the other keywords of huggingface_hub's `save_pretrained`: `model_card_kwargs`, `push_to_hub` and
                `repo_id`, and with these the keywords of its `push_to_hub`.

        Returns:
            The address of the commit on the hub with `push_to_hub=True`, otherwise None.

        Raises:
            UsageError: the network is incomplete, or computes something else than its spec.
            OutputError: the weights cannot be written.
        """
        address: str | None = super().save_pretrained(user_path(save_directory), **options)
        return address

    def _save_pretrained(self, save_directory: Path) -> None:
        """Write the weights; the mixin writes the configuration and, if there is none, the card."""
        self.classes = class_names(self)  # everything below then states the same names, if they still fit
        self._hub_mixin_config = current_spec(self).to_dict()
        save_weights(self, save_directory / constants.SAFETENSORS_SINGLE_FILE)
        card = save_directory / "README.md"
        if card.is_file() and is_untouched(card.read_bytes().decode(errors="replace")):
            card.unlink()  # it describes the previous weights

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | Path,
        *,
        force_download: bool = False,
        token: str | bool | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        revision: str | None = None,
        map_location: str | torch.device = "cpu",
        strict: bool = True,
        **unknown: Any,
    ) -> "HubCifarNet":
        """The network in a folder or repository, in evaluation mode.

        Args:
            pretrained_model_name_or_path: a folder that `save_pretrained` wrote, or a repository of the hub.
            force_download: fetch files again that are already in the cache.
            token: access token for private repositories.
            cache_dir: where to keep fetched files; by default the hub's cache.
            local_files_only: fetch nothing.
            revision: a branch, tag or commit of the repository.
            map_location: the device that the network is put on.
            strict: accepted for the mixin's interface; every weight is checked in any case.
            unknown: refused unless None, which older versions of the hub pass for keywords of their own.

        Raises:
            UsageError: an unknown keyword, or not the name of a device.
            DeviceError: the device is not available.
            CheckpointError: there is no such folder, and no repository can have this name; the path leads to a file;
                there is no config.json; or config.json and the weights are not of this package, or contradict each
                other.
        """
        _refuse(unknown)
        device = resolve_device(map_location)
        options: dict[str, Any] = {
            "revision": revision,
            "cache_dir": None if cache_dir is None else user_path(cache_dir),
            "force_download": force_download,
            "token": token,
            "local_files_only": local_files_only,
        }
        find = _finder(pretrained_model_name_or_path, options)
        return cls.of(_network_in(str(pretrained_model_name_or_path), find)).to(device)


def _refuse(unknown: Mapping[str, Any]) -> None:
    given = [name for name, value in unknown.items() if value is not None]
    if given:
        raise UsageError(
            f"from_pretrained does not take {', '.join(given)}: it loads the network as it was saved. Change it "
            "afterwards, for example with reset_classifier(num_classes)"
        )


def _finder(source: str | Path, options: Mapping[str, Any]) -> Find:
    """A function that finds the files of a folder or, with the `options` of `hf_hub_download`, of a repository.

    Raises:
        CheckpointError: `source` is a file, not a folder.
    """
    folder = user_path(source)
    if folder.is_dir():
        return folder.joinpath
    if folder.exists():
        raise CheckpointError(f"{source}: a file, not a folder; resnetzoo.load_checkpoint reads files of weights")
    return partial(hf_hub_download, str(source), **options)


def _network_in(source: str, find: Find) -> CifarNet:
    """The network in a folder or repository, called `source` in messages.

    Raises:
        CheckpointError: there is no config.json, or config.json and the weights are not of this package or contradict
            each other.
    """
    try:
        spec = parse_spec(_config_in(find))
    except CheckpointError as error:
        raise CheckpointError(f"{source}: {error}") from error
    file = Path(find(constants.SAFETENSORS_SINGLE_FILE))
    content = read_safetensors(file)
    try:
        metadata = parse_metadata(content.metadata, spec)
        _check_agreement(spec, parse_metadata(content.metadata).spec)
        found = recognize(Unwrapped(content.weights, metadata=metadata), file)
        model = build_network(found.spec, found.unwrapped.weights)
        attach(model, found, str(file))
    except CheckpointError as error:
        raise CheckpointError(f"{source}: {error}") from error
    return model


def _check_agreement(spec: ModelSpec, stated: ModelSpec | None) -> None:
    """Refuse weights that state another network than config.json: plain and residual ones have the same shapes.

    Fields that matter only in training may differ, since people may have edited them in config.json.

    Raises:
        CheckpointError: the weights state a network that computes something else.
    """
    if stated is None:  # weights that somebody else wrote
        return
    ours, theirs = (vars(replace(one, zero_init_residual=False, drop_rate=0.0)) for one in (spec, stated))
    differing = [f"{name} {ours[name]!r} and {theirs[name]!r}" for name in ours if ours[name] != theirs[name]]
    if differing:
        raise CheckpointError(
            f"its {constants.CONFIG_NAME} describes {spec.label} and its {constants.SAFETENSORS_SINGLE_FILE} states "
            f"{stated.label} ({', '.join(differing)}): save the network again, or load "
            f"{constants.SAFETENSORS_SINGLE_FILE} alone with resnetzoo.load_checkpoint"
        )


def _config_in(find: Find) -> object:
    """The content of config.json."""
    try:
        return from_json(Path(find(constants.CONFIG_NAME)).read_bytes())
    except LocalEntryNotFoundError:
        raise  # the hub could not be asked
    except (EntryNotFoundError, FileNotFoundError) as error:
        raise CheckpointError(
            "it has no config.json that describes the network, so it was not written by save_pretrained; load files "
            "with nothing but weights with resnetzoo.load_checkpoint"
        ) from error
    except HFValidationError as error:
        raise CheckpointError(f"no such folder, and no repository can have this name ({error})") from error
    except ValueError as error:
        raise CheckpointError(f"its config.json is not valid JSON: {error}; save the network again") from error
