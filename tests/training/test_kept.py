"""Nothing that `fit` accepts fails after training: what it could not keep is refused before the data is moved."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from cases import lived_in
from changed_networks import CHANGES, HOOKS, changed
from torch import Tensor, nn
from torch.nn.utils import prune

import resnetzoo

SPEC = resnetzoo.ModelSpec("residual", 8, widths=(4, 8, 16))


def _set(name: str, make: Callable[[], nn.Module]) -> Callable[[resnetzoo.CifarNet], None]:
    def change(model: resnetzoo.CifarNet) -> None:
        parent, _, child = name.rpartition(".")
        setattr(model.get_submodule(parent), child, make())

    return change


def _other_eps(model: resnetzoo.CifarNet) -> None:
    model.bn1.eps = 0.1


def _other_stride(model: resnetzoo.CifarNet) -> None:
    model.layer1[0].conv1 = nn.Conv2d(4, 4, 3, padding=2, dilation=2, bias=False)  # type: ignore[union-attr]


class Doubled(resnetzoo.CifarNet):
    def forward_head(self, features: Tensor, pre_logits: bool = False) -> Tensor:
        return 2 * super().forward_head(features, pre_logits)


def _another_class(model: resnetzoo.CifarNet) -> None:
    model.__class__ = Doubled


LOST: dict[str, tuple[Callable[[resnetzoo.CifarNet], None], str]] = {
    "several layers": (_set("fc", lambda: nn.Sequential(nn.Dropout(), nn.Linear(16, 10))), "under fc.1.bias"),
    "no bias": (_set("fc", lambda: nn.Linear(16, 10, bias=False)), "under fc.bias"),
    "narrower": (_set("layer1.0.conv1", lambda: nn.Conv2d(4, 3, 3, padding=1)), r"under layer1\.0\.conv1"),
    "a stem of 5x5": (_set("conv1", lambda: nn.Conv2d(3, 4, 5, padding=2, bias=False)), "under conv1.weight"),
    "a stem with bias": (_set("conv1", lambda: nn.Conv2d(3, 4, 3, padding=1)), "under conv1.bias"),
    "another activation": (_set("relu", nn.GELU), "relu is of the class GELU"),
    "another pooling": (_set("avgpool", lambda: nn.AdaptiveMaxPool2d(1)), "avgpool is of the class AdaptiveMaxPool2d"),
    "another eps": (_other_eps, "bn1 has eps 0.1, not 1e-05"),
    "dilated": (_other_stride, r"layer1\.0\.conv1 has padding \(2, 2\), not \(1, 1\)"),
    "another forward": (_another_class, "it has another forward_head"),
}


@pytest.fixture
def _no_data_is_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **more: object) -> None:
        raise AssertionError("the data was moved")

    monkeypatch.setattr("resnetzoo.training.opening.make_loader", fail)


@pytest.mark.usefixtures("_no_data_is_moved")
@pytest.mark.parametrize("change", LOST)
def test_what_no_file_could_say_is_refused_at_the_start(
    change: str, tmp_path: Path, tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe
) -> None:
    model = lived_in(SPEC)
    LOST[change][0](model)
    message = f"could not be loaded again: .*{LOST[change][1]}.* Omit out="
    with pytest.raises(resnetzoo.UsageError, match=message):
        resnetzoo.fit(model, tiny_data, tiny_recipe, out=tmp_path / "run", progress=False)
    with pytest.raises(resnetzoo.UsageError, match=message):
        resnetzoo.fit_many([resnetzoo.Job(model, tiny_recipe, out=tmp_path / "run")], tiny_data, progress=False)
    assert not (tmp_path / "run").exists()
    with pytest.raises(resnetzoo.UsageError, match=LOST[change][1]):
        resnetzoo.save_weights(model, tmp_path / "a.safetensors")


@pytest.mark.parametrize("change", ["several layers", "another activation", "dilated"])
def test_it_trains_where_nothing_is_kept(change: str, tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe) -> None:
    model = lived_in(SPEC)
    LOST[change][0](model)
    run = resnetzoo.fit(model, tiny_data, tiny_recipe, progress=False)
    assert resnetzoo.evaluate(model, tiny_data.test).error == run.epochs[-1].test_error


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_network_is_refused_or_comes_back(
    change: str, tmp_path: Path, tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe
) -> None:
    model = changed(change)
    if change not in HOOKS:
        with pytest.raises(resnetzoo.UsageError, match="could not be loaded again"):
            resnetzoo.fit(model, tiny_data, tiny_recipe, out=tmp_path, progress=False)
        assert not list(tmp_path.iterdir())
        return
    with pytest.warns(UserWarning, match="has a hook on its forward pass, which no file of weights keeps: register it"):
        resnetzoo.fit(model, tiny_data, tiny_recipe, out=tmp_path, progress=False)
    with pytest.warns(UserWarning, match="has a hook on its forward pass"):
        resnetzoo.save_weights(model, tmp_path / "a.safetensors")
    again = resnetzoo.load_checkpoint(tmp_path)
    for module in model.modules():
        module._forward_hooks.clear()
        module._forward_pre_hooks.clear()
    images = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(again(images), model(images))


@pytest.mark.parametrize(
    "change",
    [
        _set("fc", lambda: nn.Linear(16, 12)),
        _set("bn1", lambda: nn.SyncBatchNorm(4)),
        _set("relu", lambda: nn.ReLU(inplace=True)),
        lambda model: setattr(model.bn1, "momentum", 0.01),
    ],
    ids=["more classes", "norms of several processes", "in place", "another momentum"],
)
def test_what_computes_the_same_is_kept(
    change: Callable[[resnetzoo.CifarNet], object], tmp_path: Path, tiny_data: resnetzoo.Data
) -> None:
    model = lived_in(SPEC)
    change(model)
    recipe = resnetzoo.Recipe(
        name="ONE", steps=1, epochs=None, batch_size=16, lr=0.05, schedule=resnetzoo.recipes.StepDecay(milestones=())
    )
    resnetzoo.fit(model, tiny_data, recipe, out=tmp_path, progress=False)
    again = resnetzoo.load_checkpoint(tmp_path)
    assert again.num_classes == model.num_classes
    images = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(again(images), model(images))


class Around(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = 2 * self.network(images)
        return logits


def test_what_holds_a_network_and_cannot_be_loaded_is_not_kept(
    tmp_path: Path, tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe
) -> None:
    model = Around(lived_in(SPEC))
    with pytest.raises(resnetzoo.UsageError, match=r'could not be loaded again: Around .*get_submodule\("network"\)'):
        resnetzoo.fit(model, tiny_data, tiny_recipe, out=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()
    resnetzoo.fit(model, tiny_data, tiny_recipe, progress=False)


def test_tied_weights_come_back(tmp_path: Path) -> None:
    """Each under its own name, and one direction of the loss surface moves them together."""
    model = lived_in(resnetzoo.ModelSpec("residual", 8))
    model.layer1[0].conv2.weight = model.layer1[0].conv1.weight  # type: ignore[union-attr]
    resnetzoo.save_weights(model, tmp_path / "a.safetensors")
    images = torch.randn(2, 3, 32, 32)
    again = resnetzoo.load_checkpoint(tmp_path / "a.safetensors").eval()
    torch.testing.assert_close(again(images), model(images))
    surface = resnetzoo.analysis.loss_surface(model, (images, torch.tensor([0, 1])), points=3)
    expected = nn.functional.cross_entropy(model(images), torch.tensor([0, 1]))
    assert surface.losses[1, 1] == pytest.approx(float(expected.detach()), rel=1e-5)


class Foreign(nn.Module):
    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, width, 3)
        self.fc = nn.Linear(width, 10)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.fc(self.conv(images).mean((2, 3)))
        return logits


class WithCode(Foreign):
    def get_extra_state(self) -> Any:
        return torch.nn.ReLU()  # reading it back would run code

    def set_extra_state(self, state: Any) -> None:
        pass


def test_networks_from_elsewhere_are_kept_as_they_are(
    tmp_path: Path, tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe
) -> None:
    torch.manual_seed(0)
    first = resnetzoo.fit(Foreign(), tiny_data, tiny_recipe, out=tmp_path, progress=False)
    torch.manual_seed(0)
    second = resnetzoo.fit(Foreign(), tiny_data, tiny_recipe, out=tmp_path, progress=False)
    assert torch.equal(first.model.fc.weight, second.model.fc.weight)  # type: ignore[union-attr]
    with pytest.raises(resnetzoo.CheckpointError, match="of a Foreign, which resnetzoo cannot build: load its weights"):
        resnetzoo.load_checkpoint(tmp_path)
    with pytest.raises(resnetzoo.errors.CheckpointMismatchError, match="holds the weights of another network"):
        resnetzoo.fit(Foreign(5), tiny_data, tiny_recipe, out=tmp_path, progress=False)


def test_what_cannot_be_read_back_is_found_out_before_training(
    tmp_path: Path, tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe
) -> None:
    steps: list[int] = []

    class Count(resnetzoo.Callback):
        def on_step_end(self, trainer: resnetzoo.TrainerState) -> None:
            steps.append(trainer.step)

    with pytest.raises(resnetzoo.UsageError, match=r"state_dict\(\) holds what could not be read back.*get_extra_st"):
        resnetzoo.fit(WithCode(), tiny_data, tiny_recipe, out=tmp_path / "a", progress=False, callbacks=[Count()])
    assert steps == []


def test_weights_without_a_shape_are_refused(tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe) -> None:
    lazy = nn.Sequential(nn.Flatten(), nn.LazyLinear(10))
    with pytest.raises(resnetzoo.UsageError, match="weights without a shape yet: call it on a batch of images first"):
        resnetzoo.fit(lazy, tiny_data, tiny_recipe, progress=False)
    lazy(tiny_data.train.images[:2].float())
    resnetzoo.fit(lazy, tiny_data, tiny_recipe, progress=False)


def test_networks_that_learn_nothing_are_refused(tiny_data: resnetzoo.Data) -> None:
    model = lived_in(SPEC)
    for frozen in (resnetzoo.optimize(model, compile=False), model.requires_grad_(False)):
        with pytest.raises(resnetzoo.UsageError, match=r"all weights of this .* are frozen"):
            resnetzoo.fit(frozen, tiny_data, progress=False)


def test_what_answers_to_pixels_or_not_at_all_is_refused(tiny_data: resnetzoo.Data) -> None:
    model = lived_in(SPEC)
    model.normalization = tiny_data.train.normalization("channel")
    with pytest.raises(
        resnetzoo.UsageError, match=r'more than the resnet8 .widths 4-8-16. in it: .*get_submodule\("model"\)'
    ):
        resnetzoo.fit(resnetzoo.WithPreprocessing(model), tiny_data, progress=False)
    model.reset_classifier(0)
    with pytest.raises(resnetzoo.UsageError, match=r"no classifier: add one with reset_classifier\(10\)"):
        resnetzoo.fit(model, tiny_data, progress=False)
    with pytest.raises(
        resnetzoo.UsageError, match="no classifier and therefore no error: add one with reset_classifier"
    ):
        resnetzoo.evaluate(nn.DataParallel(model), tiny_data.test)


def test_computed_weights_are_kept_once_they_are_plain(tmp_path: Path, tiny_data: resnetzoo.Data) -> None:
    """By what the message says."""
    model = lived_in(SPEC)
    prune.l1_unstructured(model.conv1, "weight", 0.5)  # type: ignore[no-untyped-call]
    for keep in (
        lambda: resnetzoo.fit(model, tiny_data, out=tmp_path / "run", progress=False),
        lambda: resnetzoo.save_weights(model, tmp_path / "a.safetensors"),
    ):
        with pytest.raises(
            resnetzoo.UsageError, match=r"what computes weights with torch\.nn\.utils\.prune\.remove, parametrize"
        ):
            keep()
    prune.remove(model.conv1, "weight")  # type: ignore[no-untyped-call]
    resnetzoo.save_weights(model, tmp_path / "a.safetensors")
    assert int((resnetzoo.load_checkpoint(tmp_path / "a.safetensors").conv1.weight == 0).sum()) == 54


@pytest.mark.parametrize("compile_it", [False, True])
def test_both_a_wrapper_and_a_foreign_network_say_their_normalization(
    compile_it: bool, tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe
) -> None:
    inside = Foreign()
    wrapped = torch.compile(inside, backend="eager") if compile_it else nn.DataParallel(inside)
    run = resnetzoo.fit(wrapped, tiny_data, tiny_recipe, progress=False)  # type: ignore[arg-type]
    for model in (inside, wrapped):
        assert resnetzoo.evaluate(model, tiny_data.test).error == run.epochs[-1].test_error  # type: ignore[arg-type]
    assert inside.normalization == wrapped.normalization  # type: ignore[union-attr]
