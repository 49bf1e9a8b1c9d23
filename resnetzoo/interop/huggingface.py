"""Networks in folders and repositories of the Hugging Face Hub, by huggingface_hub's own mixin.

A folder holds `config.json`, which is the spec; `model.safetensors`, with the normalization in its metadata, which
`load_checkpoint` reads as well; and `README.md`, the model card.
"""

from pathlib import Path
from typing import Any

import torch

try:
    from huggingface_hub import ModelCard, PyTorchModelHubMixin, constants, hf_hub_download
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        'resnetzoo.interop.huggingface needs huggingface_hub: pip install "resnetzoo[huggingface]"'
    ) from error

from resnetzoo.current import class_names, current_spec
from resnetzoo.errors import CheckpointError, UsageError
from resnetzoo.interop.card_seal import is_untouched
from resnetzoo.interop.model_card import card_of
from resnetzoo.loading.load import stored_network
from resnetzoo.loading.safetensors_files import read_safetensors
from resnetzoo.loading.trained import stored_spec
from resnetzoo.network import CifarNet
from resnetzoo.normalization import carry_normalization
from resnetzoo.spec import ModelSpec
from resnetzoo.weights.writing import save_weights


class HubCifarNet(CifarNet, PyTorchModelHubMixin):
    """A CIFAR network with `save_pretrained`, `from_pretrained` and `push_to_hub`.

    A README.md that is in the folder already is written again, unless somebody has changed it: then it stays.

    >>> import resnetzoo
    >>> network = HubCifarNet.of(resnetzoo.create("resnet20", weights=True))
    >>> network.save_pretrained("resnet20-cifar10")  # doctest: +SKIP
    >>> network.push_to_hub("you/resnet20-cifar10")  # doctest: +SKIP
    >>> HubCifarNet.from_pretrained("you/resnet20-cifar10").spec.depth  # doctest: +SKIP
    20

    Args:
        spec: what to build.
    """

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__(spec)

    @classmethod
    def of(cls, model: CifarNet) -> "HubCifarNet":
        """A copy of a network, with its weights, normalization, classes, row of weights and origin.

        Raises:
            UsageError: it has lost its classifier, or stages, and so is no longer what its spec says.
        """
        with torch.device("meta"):  # neither memory nor random numbers for weights that are replaced
            network = cls(current_spec(model))
        state = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
        network.load_state_dict(state, assign=True)
        if model.normalization is not None:
            carry_normalization(network, model.normalization)
        network.origin, network.classes = model.origin, class_names(model)
        network.weights, network.weights_fingerprint = model.weights, model.weights_fingerprint
        return network.train(model.training)

    def generate_model_card(self) -> ModelCard:
        """The card that `save_pretrained` writes as README.md: the facts of the weights' row, or what else is known."""
        return ModelCard(card_of(self))

    def _save_pretrained(self, save_directory: Path) -> None:
        """Write the weights; the mixin writes the configuration and, where there is none, the card."""
        self._hub_mixin_config = current_spec(self).to_dict()
        save_weights(self, save_directory / constants.SAFETENSORS_SINGLE_FILE)
        card = save_directory / "README.md"
        if card.is_file() and is_untouched(card.read_bytes().decode(errors="replace")):
            card.unlink()  # it is of the weights that were there

    @classmethod
    def _from_pretrained(
        cls,
        *,
        model_id: str,
        revision: str | None,
        cache_dir: str | Path | None,
        force_download: bool,
        local_files_only: bool,
        token: str | bool | None,
        config: dict[str, Any] | None = None,
        **unknown: Any,
    ) -> "HubCifarNet":
        """The network in a folder or repository, in evaluation mode; `config` is what its config.json holds.

        Raises:
            UsageError: a keyword that is none.
            CheckpointError: there is no config.json, or it and the weights are none of this package.
        """
        given = [name for name, value in unknown.items() if value is not None]  # older hubs have words of their own
        if given:
            raise UsageError(
                f"from_pretrained takes no {', '.join(given)}: a network comes as it was saved, and is changed "
                "afterwards, as with reset_classifier(num_classes) or to(device)"
            )
        if config is None:
            raise CheckpointError(
                f"{model_id} has no config.json that says which network it is: it was not written by save_pretrained; "
                "resnetzoo.load_checkpoint reads files of weights alone"
            )
        file = Path(model_id) / constants.SAFETENSORS_SINGLE_FILE
        if not Path(model_id).is_dir():
            found = hf_hub_download(
                repo_id=model_id,
                filename=constants.SAFETENSORS_SINGLE_FILE,
                revision=revision,
                cache_dir=cache_dir,
                force_download=force_download,
                token=token,
                local_files_only=local_files_only,
            )
            file = Path(found)
        content = read_safetensors(file)
        try:
            model = stored_network(content, stored_spec(config), file)
        except CheckpointError as error:
            raise CheckpointError(f"{model_id}: {error}") from error
        return cls.of(model)
