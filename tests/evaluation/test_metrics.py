"""Error and loss on a test set."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from cases import Answers, small_network
from PIL import Image
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (the field's standard name)

import resnetzoo
from resnetzoo.data.normalization import measure_normalization


def fit(
    data: resnetzoo.Data, recipe: resnetzoo.Recipe, out: Path | None = None, *, seed: int = 0, model_seed: int = 0
) -> resnetzoo.Run:
    return resnetzoo.fit(
        small_network(model_seed), data, recipe, seed=seed, precision="fp32", device="cpu", out=out, progress=False
    )


def test_evaluate_afterwards_gives_the_last_row(tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe) -> None:
    run = fit(tiny_data, tiny_recipe)
    measured = resnetzoo.evaluate(run.model, tiny_data.test)
    assert measured.error == run.epochs[-1].test_error
    assert measured.loss == pytest.approx(run.epochs[-1].test_loss, rel=1e-6)  # a run sums in fp32
    assert measured.n == 20
    share = measured.error / 100
    assert measured.standard_error == pytest.approx(100 * math.sqrt(share * (1 - share) / 20))


def test_evaluate_is_a_plain_count(tiny_data: resnetzoo.Data) -> None:
    model = small_network(0)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    measured = resnetzoo.evaluate(model, tiny_data.test, batch_size=7)
    normalize = measure_normalization(tiny_data.test.images, "channel")
    with torch.inference_mode():
        logits = model.eval()(normalize(tiny_data.test.images))
    wrong = (logits.argmax(dim=1) != tiny_data.test.labels).sum()
    assert measured.error == pytest.approx(100 * int(wrong) / 20)
    by_class = [(logits.argmax(dim=1) != label)[tiny_data.test.labels == label] for label in range(10)]
    assert measured.by_class == tuple(
        (name, len(missed), int(missed.sum())) for name, missed in zip(tiny_data.classes, by_class, strict=True)
    )
    assert measured.by_class[0].error == pytest.approx(50 * int(by_class[0].sum()))
    assert measured.accuracy == pytest.approx(100 - measured.error)
    assert measured.loss == pytest.approx(float(F.cross_entropy(logits, tiny_data.test.labels)), rel=1e-5)
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


@pytest.mark.parametrize("batch_size", [1, 500, 3_000])
def test_the_loss_does_not_depend_on_the_batch_size(batch_size: int) -> None:
    """Summed in fp32, that of 10,000 single images is off in the fifth digit."""
    labels = torch.arange(3_000) % 10
    images = resnetzoo.ImageSet(torch.zeros(3_000, 3, 1, 1, dtype=torch.uint8), labels, tuple("abcdefghij"))
    answers = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3, 10))
    with torch.no_grad():
        answers[1].weight.zero_()
        answers[1].bias.copy_(torch.arange(10) / 10)
    exact = float(F.cross_entropy((torch.arange(10.0).double() / 10).expand(3_000, 10), labels))
    for network in (answers, answers.double()):
        found = resnetzoo.evaluate(network, images, batch_size=batch_size)
        assert found.loss == pytest.approx(exact, rel=1e-7)
        assert found.error == 90


@pytest.mark.parametrize("kind", [torch.int64, torch.int32, torch.int8])
def test_whole_numbers_are_logits_too(kind: torch.dtype, tiny_data: resnetzoo.Data) -> None:
    class Rounded(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return (9 * images[:, 0, 0, :10]).to(kind)

    normalization = tiny_data.train.normalization("channel")
    found = resnetzoo.evaluate(Rounded(), tiny_data.test, normalization=normalization)
    logits = Rounded()(normalization(tiny_data.test.images))
    assert found.loss == pytest.approx(float(F.cross_entropy(logits.double(), tiny_data.test.labels)), rel=1e-6)


def test_evaluate_leaves_the_mode(tiny_data: resnetzoo.Data) -> None:
    for training in (True, False):
        model = small_network(0).train(training)
        resnetzoo.evaluate(model, tiny_data.test)
        assert model.training is training


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            lambda logits: (logits, logits),
            "this Answers returns a tuple, not a tensor of logits .* wrap it in a module",
        ),
        (lambda logits: {"logits": logits}, "this Answers returns a dict"),
        (lambda logits: None, "this Answers returns None"),
        (lambda logits: logits[:, 0], r"this Answers returns torch.float32 of \[20\], not logits of"),
        (lambda logits: logits.repeat(2, 1), r"of \[40, 10\], not logits of \[20, 10\] for a batch of 20"),
        (lambda logits: logits[..., None], r"of \[20, 10, 1\]"),
        (lambda logits: logits.to(torch.complex64), "returns torch.complex64"),
        (lambda logits: logits[:, :7], "the network has 7 classes, but the images have 10"),
    ],
    ids=["tuple", "dict", "None", "one dimension", "other images", "three dimensions", "complex", "too few"],
)
def test_what_is_no_logits_is_refused(
    tiny_data: resnetzoo.Data, answer: Callable[[Tensor], object], message: str
) -> None:
    model = Answers(answer)
    model.normalization = tiny_data.train.normalization("channel")  # type: ignore[assignment]
    for measure in (resnetzoo.evaluate, resnetzoo.metrics.logits_of):
        with pytest.raises(resnetzoo.UsageError, match=message):
            measure(model, tiny_data.test)
    Image.new("RGB", (32, 32)).save("a.png")
    with pytest.raises(resnetzoo.UsageError, match="returns"):
        resnetzoo.predict(model, "a.png", classes=tiny_data.classes)


@pytest.mark.parametrize("normalization", ["channel", 0, (0.5, 0.25)])
def test_what_is_no_normalization_is_refused(tiny_data: resnetzoo.Data, normalization: Any) -> None:
    model = small_network(0)
    for measure in (resnetzoo.evaluate, resnetzoo.metrics.logits_of):
        with pytest.raises(resnetzoo.UsageError, match="normalization must be of the class Normalization"):
            measure(model, tiny_data.test, normalization=normalization)
    with pytest.raises(resnetzoo.UsageError, match="normalization must be of the class Normalization"):
        resnetzoo.ImageTransform(normalization)
