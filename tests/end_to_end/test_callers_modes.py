"""Whatever a caller has switched on around a call, its figures are, bit for bit, those that it gives without."""

import copy
import functools
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from cases import TINY_RECIPE, small_network
from PIL import Image
from torch import nn

import resnetzoo
from resnetzoo import analysis, rerunning
from resnetzoo.utils.device import has_vnni

DATA = resnetzoo.synthetic(seed=1, train_images=48, test_images=20)
INPUTS = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@dataclass
class Given:
    """What exists before a mode is switched on."""

    trained: resnetzoo.CifarNet
    fresh: list[resnetzoo.CifarNet]
    folder: Path


Figures = list[object]
Use = Callable[[Given], Figures]
Mode = Callable[[], AbstractContextManager[object]]


@pytest.fixture(scope="module")
def trained() -> resnetzoo.CifarNet:
    network = small_network(1)
    resnetzoo.fit(network, DATA, TINY_RECIPE, device="cpu", precision="fp32", progress=False)
    return network


def make_given(trained: resnetzoo.CifarNet, folder: Path) -> Given:
    """A copy of the trained network, so that no use sees what another has done to it, and a photo."""
    (folder / "photos").mkdir(exist_ok=True)
    Image.fromarray(DATA.test.images[0].permute(1, 2, 0).numpy()).save(folder / "photos" / "photo.png")
    return Given(copy.deepcopy(trained), [small_network(seed) for seed in (0, 1)], folder)


@pytest.fixture
def given(trained: resnetzoo.CifarNet, tmp_path: Path) -> Callable[[], Given]:
    return lambda: make_given(trained, tmp_path)


@pytest.fixture(scope="module")
def expected_of(trained: resnetzoo.CifarNet, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Figures]:
    """The figures of a use without a mode, found once for all modes."""
    return functools.cache(
        lambda name: {**USES, **EXPORTS}[name](make_given(trained, tmp_path_factory.mktemp("no-mode")))
    )


def of_model(model: nn.Module) -> Figures:
    return [tensor.numpy().tobytes() for tensor in model.state_dict().values()]


def of_rows(rows: Iterable[resnetzoo.EpochRow]) -> Figures:
    return [getattr(row, field) for row in rows for field in rerunning.COMPARED]


def fit(precision: str, compile: bool = False) -> Use:  # noqa: A002 (torch's own word)
    def use(given: Given) -> Figures:
        model = given.fresh[0]
        run = resnetzoo.fit(
            model, DATA, TINY_RECIPE, device="cpu", precision=precision, compile=compile, progress=False
        )
        assert run.execution == ("compiled" if compile else "eager")
        return [*of_model(model), *of_rows(run.epochs)]

    return use


def fit_many(given: Given) -> Figures:
    jobs = [resnetzoo.Job(model, TINY_RECIPE, seed=seed) for seed, model in enumerate(given.fresh)]
    runs = resnetzoo.fit_many(jobs, DATA, device="cpu", precision="fp32", progress=False)
    return [figure for run in runs for figure in (*of_model(run.model), *of_rows(run.epochs))]


def evaluate(precision: str) -> Use:
    return lambda given: [resnetzoo.evaluate(given.trained, DATA.test, precision=precision)]


def optimize(precision: str) -> Use:
    calibration = DATA.train if precision == "int8" else None

    def use(given: Given) -> Figures:
        fast = resnetzoo.optimize(given.trained, precision=precision, compile=False, calibration=calibration)
        return [fast(INPUTS).numpy().tobytes()]

    return use


def agreement(given: Given) -> Figures:
    fast = resnetzoo.optimize(given.trained, precision="fp32", compile=False)
    return [resnetzoo.agreement(given.trained, fast, DATA.test)]


def predict(given: Given) -> Figures:
    return [found.probabilities for found in resnetzoo.predict(given.trained, given.folder / "photos")]


def load(given: Given) -> Figures:
    file = given.folder / "weights.safetensors"
    resnetzoo.save_weights(given.trained, file)
    return of_model(resnetzoo.load_checkpoint(file))


def export(word: str) -> Use:
    def use(given: Given) -> Figures:
        form = resnetzoo.export.get_format(word)
        done = form.export(given.trained, given.folder / f"exported{form.suffix}")
        return [done.max_difference, done.rounding]

    return use


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def matmul_precision(word: str) -> Iterator[None]:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(word)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


@contextmanager
def deterministic() -> Iterator[None]:
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


MODES: dict[str, Mode] = {
    "autocast to bf16": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "autocast to fp16": lambda: torch.autocast("cpu", dtype=torch.float16),
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "default dtype float64": lambda: default_dtype(torch.float64),
    "default dtype bf16": lambda: default_dtype(torch.bfloat16),
    "default device": lambda: torch.device("meta"),  # where nothing can be computed, so that a use of it shows
    "matmul precision": lambda: matmul_precision("medium"),
    "deterministic": deterministic,
}
USES: dict[str, Use] = {
    "fit": fit("fp32"),
    "fit in bf16": fit("bf16"),
    "fit_many": fit_many,
    "evaluate": evaluate("fp32"),
    "evaluate in bf16": evaluate("bf16"),
    "agreement": agreement,
    "predict": predict,
    "load": load,
    "optimize": optimize("fp32"),
    "optimize to bf16": optimize("bf16"),
    **({"optimize to int8": optimize("int8")} if has_vnni() else {}),
    "response_std": lambda given: [analysis.response_std(given.trained, DATA.test).values.tobytes()],
    "shortcut_share": lambda given: [analysis.shortcut_share(given.trained, DATA.test).values.tobytes()],
    "gradient_norms": lambda given: [analysis.gradient_norms(given.trained, DATA.test).values.tobytes()],
    "cka": lambda given: [analysis.cka(given.trained, given.trained, DATA.test).values.tobytes()],
    "loss_surface": lambda given: [analysis.loss_surface(given.trained, DATA.test, points=3).losses.tobytes()],
}
EXPORTS: dict[str, Use] = {
    word: export(word)
    for word in ("torchscript", "torch-export", "safetensors", *(["onnx"] if find_spec("onnxscript") else []))
}


def within(mode: Mode, use: Use, given: Given) -> Figures:
    with mode():
        return use(given)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("use", USES)
def test_figures_are_those_without_the_mode(
    use: str, mode: str, given: Callable[[], Given], expected_of: Callable[[str], Figures]
) -> None:
    assert within(MODES[mode], USES[use], given()) == expected_of(use)


@pytest.mark.parametrize("mode", ["autocast to bf16", "inference_mode", "default dtype float64", "default device"])
@pytest.mark.parametrize("word", EXPORTS)
@pytest.mark.slow
def test_exports_are_those_without_the_mode(
    word: str, mode: str, given: Callable[[], Given], expected_of: Callable[[str], Figures]
) -> None:
    assert within(MODES[mode], EXPORTS[word], given()) == expected_of(word)


@pytest.mark.slow
def test_compiled_steps_inside_an_autocast_are_those_outside(given: Callable[[], Given]) -> None:
    use = fit("fp32", compile=True)
    assert within(MODES["autocast to bf16"], use, given()) == use(given())


@pytest.mark.parametrize("mode", MODES)
def test_a_run_goes_on_inside_a_mode_as_it_would_outside(mode: str, given: Callable[[], Given], tmp_path: Path) -> None:
    class Stop(resnetzoo.Callback):
        def on_epoch_end(self, trainer: resnetzoo.TrainerState, row: resnetzoo.EpochRow) -> None:
            raise KeyboardInterrupt

    def go(model: resnetzoo.CifarNet, *callbacks: resnetzoo.Callback) -> resnetzoo.Run:
        return resnetzoo.fit(
            model,
            DATA,
            TINY_RECIPE,
            device="cpu",
            precision="fp32",
            out=tmp_path / "run",
            progress=False,
            callbacks=callbacks,
        )

    goes_on = small_network(0)
    with pytest.raises(KeyboardInterrupt):
        go(small_network(0), Stop())
    with MODES[mode]():
        run = go(goes_on)
    assert [*of_model(goes_on), *of_rows(run.epochs)] == fit("fp32")(given())


def test_a_caller_s_settings_hold_between_steps_and_not_within(given: Callable[[], Given]) -> None:
    between: list[str] = []
    within: list[str] = []

    class Looks(resnetzoo.Callback):
        def on_step_end(self, trainer: resnetzoo.TrainerState) -> None:
            between.append(torch.get_float32_matmul_precision())

        def on_epoch_end(self, trainer: resnetzoo.TrainerState, row: resnetzoo.EpochRow) -> None:
            between.append(torch.get_float32_matmul_precision())

    model = given().fresh[0]
    model.register_forward_hook(lambda *passed: within.append(torch.get_float32_matmul_precision()))
    with matmul_precision("medium"):
        resnetzoo.fit(model, DATA, TINY_RECIPE, device="cpu", precision="fp32", progress=False, callbacks=[Looks()])
    assert set(between) == {"medium"}
    assert set(within) == {"highest"}
    assert (len(between), len(within)) == (8, 8)  # six steps and two tests


def test_a_caller_s_autocast_sees_the_weights_after_fit() -> None:
    model = small_network(0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        model(INPUTS)  # keeps copies of the weights as they are
        resnetzoo.fit(model, DATA, TINY_RECIPE, device="cpu", precision="fp32", progress=False)
        inside = model(INPUTS)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(model(INPUTS), inside)


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        (torch.inference_mode, r"made inside torch\.inference_mode\(\) cannot learn: create the network outside"),
        (lambda: default_dtype(torch.float64), r"is float64: convert all of them with model\.float\(\)"),
        (lambda: torch.device("meta"), r'on the device "meta", so its weights have no values'),
    ],
)
def test_weights_that_cannot_learn_are_refused(mode: Mode, message: str) -> None:
    with mode():
        model = small_network(0)
    with pytest.raises(resnetzoo.UsageError, match=message):
        resnetzoo.fit(model, DATA, TINY_RECIPE, device="cpu", progress=False)


def test_half_weights_are_refused() -> None:
    mixed = small_network(0)
    mixed.fc.half()
    for model, words in (
        (small_network(0).bfloat16(), r"conv1\.weight is bfloat16"),
        (mixed, r"fc\.weight is float16"),
    ):
        with pytest.raises(resnetzoo.UsageError, match=words):
            resnetzoo.fit(model, DATA, TINY_RECIPE, device="cpu", progress=False)
