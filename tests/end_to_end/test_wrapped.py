"""Every entry that takes a network, with every wrapper that people put around one: the result is the network's own."""

import copy
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from cases import lived_in
from marks import slow_if_in
from PIL import Image
from torch import nn
from torch.optim.swa_utils import AveragedModel

import resnetzoo
from resnetzoo import analysis
from resnetzoo.data.normalization import channel_normalization

SPEC = resnetzoo.ModelSpec("residual", 8, widths=(4, 8, 16), num_classes=10)
DATA = resnetzoo.synthetic(seed=3, train_images=48, test_images=40)
NORMALIZATION = channel_normalization((0.2, 0.6, 0.9), (0.4, 0.1, 0.7))  # not what the images themselves would give


def network() -> resnetzoo.CifarNet:
    model = lived_in(SPEC).eval()
    model.normalization = NORMALIZATION
    model.classes = DATA.classes
    return model


def averaged(model: nn.Module) -> nn.Module:
    average = AveragedModel(model)
    average.update_parameters(model)
    return average.eval()


@pytest.fixture(scope="module", autouse=True)
def _group_of_one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    store = tmp_path_factory.mktemp("group") / "store"
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def compiled(model: nn.Module) -> nn.Module:
    return torch.compile(model, backend="eager")  # type: ignore[return-value]


class AskingThrough(nn.DataParallel):
    """As people write it who want their network's attributes."""

    def __getattr__(self, name: str) -> object:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(self.module, name)


WRAPPERS: dict[str, Callable[[nn.Module], nn.Module]] = {
    "DataParallel": nn.DataParallel,
    "a subclass of it": AskingThrough,
    "DistributedDataParallel": lambda model: nn.parallel.DistributedDataParallel(model),
    "compiled": compiled,
    "AveragedModel": averaged,
    "Sequential": nn.Sequential,
    "compiled DataParallel": lambda model: nn.DataParallel(compiled(model)),
    "average of DataParallel in a Sequential": lambda model: nn.Sequential(averaged(nn.DataParallel(model))),
}
COMPILED_OR_DEEP = ("compiled", "compiled DataParallel", "average of DataParallel in a Sequential")


def _saved(model: nn.Module, folder: Path) -> dict[str, torch.Tensor]:
    resnetzoo.save_weights(model, folder / "a.safetensors")
    again = resnetzoo.load_checkpoint(folder / "a.safetensors")
    assert (again.classes, again.spec) == (DATA.classes, SPEC)
    assert again.normalization is not None
    assert torch.equal(again.normalization.mean, NORMALIZATION.mean)
    return again.state_dict()


def _predicted(model: nn.Module, folder: Path) -> object:
    Image.new("RGB", (32, 32), "orange").save(folder / "a.png")
    found = resnetzoo.predict(model, folder / "a.png", top=10)[0]
    return found.classes, found.probabilities


def _exported(export: Callable[..., object], suffix: str) -> Callable[[nn.Module, Path], object]:
    def entry(model: nn.Module, folder: Path) -> object:
        export(model, folder / f"a.{suffix}")
        if suffix == "pt2":
            return torch.export.load(folder / "a.pt2").module()(DATA_INPUTS)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=r"`torch\.jit\.\w+` is")
            return torch.jit.load(folder / "a.pt")(DATA_INPUTS)  # type: ignore[no-untyped-call]

    return entry


DATA_INPUTS = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
BATCH = DATA.test.select(slice(20))

# Each gives what can be compared.
ENTRIES: dict[str, Callable[[nn.Module, Path], object]] = {
    "evaluate": lambda model, folder: resnetzoo.evaluate(model, DATA.test),
    "predict": _predicted,
    "optimize": lambda model, folder: resnetzoo.optimize(model, precision="fp32", compile=False)(DATA_INPUTS),
    "save_weights": _saved,
    "response_std": lambda model, folder: torch.from_numpy(analysis.response_std(model, BATCH).values),
    "gradient_norms": lambda model, folder: torch.from_numpy(analysis.gradient_norms(model, BATCH).values),
    "shortcut_share": lambda model, folder: torch.from_numpy(analysis.shortcut_share(model, BATCH).values),
    "cka": lambda model, folder: torch.from_numpy(analysis.cka(model, network(), BATCH).values),
    "loss_surface": lambda model, folder: torch.from_numpy(analysis.loss_surface(model, BATCH, points=3).losses),
    "export_program": _exported(resnetzoo.export_program, "pt2"),
    "export_torchscript": _exported(resnetzoo.export_torchscript, "pt"),
    "WithPreprocessing": lambda model, folder: resnetzoo.WithPreprocessing(model)(
        BATCH.images.permute(0, 2, 3, 1).contiguous()
    ),
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("entry", slow_if_in(["export_program"], ENTRIES))
def test_the_result_is_that_of_the_network_inside(entry: str, wrapper: str, tmp_path: Path) -> None:
    found = ENTRIES[entry](WRAPPERS[wrapper](network()), tmp_path)
    expected = ENTRIES[entry](network(), tmp_path)
    torch.testing.assert_close(found, expected) if entry not in ("evaluate", "predict") else None
    if entry in ("evaluate", "predict"):
        assert found == expected


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_the_error_is_that_of_the_training_s_own_normalization(wrapper: str) -> None:
    """Counted by hand: another normalization, such as that of the images, gives another number."""
    model = network()
    pixels = DATA.test.images.float() / 255
    with torch.no_grad():
        logits = model(
            (pixels - torch.tensor([0.2, 0.6, 0.9])[:, None, None]) / torch.tensor([0.4, 0.1, 0.7])[:, None, None]
        )
    wrong = 100 * (logits.argmax(1) != DATA.test.labels).float().mean()
    loss = nn.functional.cross_entropy(logits, DATA.test.labels)
    found = resnetzoo.evaluate(WRAPPERS[wrapper](model), DATA.test)
    assert found.error == pytest.approx(float(wrong))
    assert found.loss == pytest.approx(float(loss), rel=1e-4)
    model.normalization = DATA.test.normalization("channel")
    assert abs(resnetzoo.evaluate(model, DATA.test).loss - found.loss) > 1e-2


@pytest.mark.parametrize("wrapper", slow_if_in(COMPILED_OR_DEEP, WRAPPERS))
def test_both_sides_of_an_agreement_may_be_wrapped(wrapper: str) -> None:
    inside = network()
    wrapped = WRAPPERS[wrapper](inside)
    assert resnetzoo.agreement(wrapped, inside, DATA.test).max_logit_difference == 0
    assert resnetzoo.agreement(inside, wrapped, DATA.test).top1 == 100
    assert (
        resnetzoo.agreement(wrapped, resnetzoo.optimize(wrapped, precision="fp32", compile=False), DATA.test).top1
        == 100
    )


class Larger(nn.Module):
    """Somebody's own module, which does more than to call the network."""

    def __init__(self, inside: nn.Module) -> None:
        super().__init__()
        self.inside = inside

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return -self.inside(images)  # type: ignore[no-any-return]


class Negative(nn.DataParallel):
    def forward(self, *inputs: object, **more: object) -> object:
        return -super().forward(*inputs, **more)


MORE: dict[str, tuple[Callable[[nn.Module], nn.Module], str]] = {
    "layers before it": (lambda model: nn.Sequential(nn.AvgPool2d(1), model), "1"),
    "layers behind it": (lambda model: nn.Sequential(model, nn.Softmax(1)), "0"),
    "our preprocessing": (lambda model: nn.Sequential(resnetzoo.ImageTransform(NORMALIZATION), model), "1"),
    "somebody's module": (Larger, "inside"),
    "a wrapper's subclass": (Negative, "module"),
    "inside DataParallel": (lambda model: nn.DataParallel(Larger(model)), "module.inside"),
}


@pytest.mark.parametrize("more", MORE)
@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if entry not in ("evaluate", "predict")])
def test_a_network_among_other_layers_is_refused(entry: str, more: str, tmp_path: Path) -> None:
    wrap, name = MORE[more]
    with pytest.raises(resnetzoo.UsageError, match=f'more than the resnet8 .* in it: .*get_submodule."{name}"'):
        ENTRIES[entry](wrap(network()), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("more", MORE)
def test_other_layers_are_measured_once_their_input_is_said(more: str, tmp_path: Path) -> None:
    wrap, name = MORE[more]
    model = wrap(network())
    for entry in ("evaluate", "predict"):
        with pytest.raises(resnetzoo.UsageError, match=f'get_submodule."{name}".*model.normalization'):
            ENTRIES[entry](model, tmp_path)
    assert resnetzoo.evaluate(model.get_submodule(name), DATA.test) == resnetzoo.evaluate(network(), DATA.test)
    if more == "layers before it":
        given = resnetzoo.evaluate(model, DATA.test, normalization=NORMALIZATION)
        model.normalization = NORMALIZATION
        assert given == resnetzoo.evaluate(model, DATA.test) == resnetzoo.evaluate(network(), DATA.test)


@pytest.mark.filterwarnings(r"ignore:`torch\.jit\.\w+` is", "ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("how", ["scripted", "traced", "by fx"])
def test_fixed_code_is_only_called(how: str, tmp_path: Path) -> None:
    model = network()
    fixed: nn.Module = {
        "scripted": lambda: torch.jit.script(model),
        "traced": lambda: torch.jit.trace(model, DATA_INPUTS),  # type: ignore[no-untyped-call]
        "by fx": lambda: torch.fx.symbolic_trace(model),
    }[how]()
    for entry in ENTRIES:
        if entry not in ("evaluate", "predict"):
            with pytest.raises(
                resnetzoo.UsageError, match="whose code is fixed: pass the network that it was made from"
            ):
                ENTRIES[entry](fixed, tmp_path)
    for entry in ("evaluate", "predict"):
        with pytest.raises(resnetzoo.UsageError, match="scripted or traced network, which does not say how it was"):
            ENTRIES[entry](fixed, tmp_path)
    fixed.normalization = NORMALIZATION
    found, expected = resnetzoo.evaluate(fixed, DATA.test), resnetzoo.evaluate(model, DATA.test)
    assert (found.error, found.n) == (expected.error, expected.n)
    assert found.loss == pytest.approx(expected.loss, rel=1e-5)
    assert resnetzoo.agreement(fixed, model, DATA.test).top1 == 100
    if how != "by fx":
        with pytest.raises(resnetzoo.UsageError, match="fit cannot train a scripted, traced or exported network"):
            resnetzoo.fit(fixed, DATA, progress=False)


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if entry not in ("evaluate", "predict")])
def test_what_optimize_returns_does_not_stand_for_its_network(entry: str, tmp_path: Path) -> None:
    """Nor does the fused network in it, which no file describes."""
    optimized = resnetzoo.optimize(network(), precision="fp32", compile=False)
    for model in (optimized, nn.Sequential(optimized, nn.Softmax(1))):
        with pytest.raises(resnetzoo.UsageError, match="whose code is fixed: pass the network that it was made from"):
            ENTRIES[entry](model, tmp_path)


def test_beside_an_optimized_network_the_other_one_is_named() -> None:
    pair = nn.Module()
    pair.teacher = resnetzoo.optimize(network(), precision="fp32", compile=False)
    pair.student = network()
    with pytest.raises(resnetzoo.UsageError, match=r'more than the resnet8 .* in it: .*get_submodule\("student"\)'):
        resnetzoo.complexity(pair)


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if entry not in ("evaluate", "predict")])
def test_a_hook_on_a_wrapper_is_not_lost(entry: str, tmp_path: Path) -> None:
    wrapped = nn.DataParallel(network())
    wrapped.register_forward_hook(lambda module, inputs, output: -output)
    with pytest.raises(resnetzoo.UsageError, match=r"the DataParallel around resnet8 .* has a forward hook"):
        ENTRIES[entry](wrapped, tmp_path)


def same(one: nn.Module, other: nn.Module) -> bool:
    ours, theirs = one.state_dict(), other.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("wrapper", slow_if_in(COMPILED_OR_DEEP, WRAPPERS))
def test_a_wrapped_network_trains_as_itself(wrapper: str, tmp_path: Path, tiny_recipe: resnetzoo.Recipe) -> None:
    def fit(model: nn.Module, folder: str, callbacks: tuple[resnetzoo.Callback, ...] = ()) -> resnetzoo.Run:
        return resnetzoo.fit(
            model, DATA, tiny_recipe, device="cpu", out=tmp_path / folder, progress=False, callbacks=callbacks
        )

    bare = network()
    expected = fit(bare, "bare")
    inside = network()
    wrapped = WRAPPERS[wrapper](inside)
    run = fit(wrapped, "wrapped")
    assert same(run.model, bare)
    assert (run.name, run.spec) == (expected.name, SPEC)
    assert same(resnetzoo.load_checkpoint(tmp_path / "wrapped"), bare)
    assert resnetzoo.evaluate(wrapped, DATA.test).error == run.epochs[-1].test_error
    # What either has begun the other ends.
    for index, (first, second) in enumerate([(WRAPPERS[wrapper], copy.copy), (copy.copy, WRAPPERS[wrapper])]):
        fit(first(network()), f"resumed {index}", callbacks=(StopAfterTheFirst(),))
        assert resnetzoo.open_checkpoint(tmp_path / f"resumed {index}").step == 3
        assert same(fit(second(network()), f"resumed {index}").model, bare)


class StopAfterTheFirst(resnetzoo.Callback):
    def on_epoch_end(self, trainer: resnetzoo.TrainerState, row: resnetzoo.EpochRow) -> None:
        trainer.request_stop()


@pytest.mark.parametrize("prefix", ["_orig_mod.", "module.", "module._orig_mod."])
def test_runs_with_the_names_of_wrappers_are_read(prefix: str, tmp_path: Path, tiny_recipe: resnetzoo.Recipe) -> None:
    """As older versions kept them."""
    begun = network()
    resnetzoo.fit(begun, DATA, tiny_recipe, out=tmp_path, progress=False, callbacks=[StopAfterTheFirst()])
    content = torch.load(tmp_path / "checkpoint.pt")
    content["model"] = {prefix + name: value for name, value in content["model"].items()}
    torch.save(content, tmp_path / "checkpoint.pt")
    assert same(resnetzoo.load_checkpoint(tmp_path), begun)
    ended = resnetzoo.fit(network(), DATA, tiny_recipe, out=tmp_path, progress=False)
    whole = resnetzoo.fit(network(), DATA, tiny_recipe, progress=False)
    assert same(ended.model, whole.model)


def test_norms_of_gpus_alone_are_refused_by_name(tiny_recipe: resnetzoo.Recipe) -> None:
    model = nn.SyncBatchNorm.convert_sync_batchnorm(network())
    with pytest.raises(resnetzoo.UsageError, match=r"bn1 is a SyncBatchNorm, .* without convert_sync_batchnorm"):
        resnetzoo.fit(model, DATA, tiny_recipe, device="cpu", progress=False)


def test_one_network_is_not_trained_by_two_jobs(tiny_recipe: resnetzoo.Recipe) -> None:
    model = network()
    jobs = [resnetzoo.Job(model, tiny_recipe), resnetzoo.Job(nn.DataParallel(model), tiny_recipe)]
    with pytest.raises(resnetzoo.UsageError, match="job 1 trains the same network as an earlier one"):
        resnetzoo.fit_many(jobs, DATA, progress=False)
