"""Networks from elsewhere that do not answer with logits are refused before anything is written."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import resnetzoo


class Answers(nn.Module):
    """A network whose answer is made from its logits."""

    def __init__(self, answer: Callable[[Tensor], object], outputs: int = 10) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)
        self.fc = nn.Linear(3 * 32 * 32, outputs)
        self.answer = answer
        self.calls = 0

    def forward(self, images: Tensor) -> object:
        self.calls += 1
        return self.answer(self.fc(self.norm(images).flatten(1)))


REFUSED: dict[str, tuple[nn.Module, str]] = {
    "too few": (Answers(lambda logits: logits, 5), "Answers returns 5 logits for each image, but .* has 10 classes"),
    "a dictionary": (Answers(lambda logits: {"logits": logits}), "in training mode this Answers returns a dict, not a"),
    "auxiliary logits": (Answers(lambda logits: (logits, logits)), "returns a tuple, .* wrap it in a module whose"),
    "one dimension": (Answers(lambda logits: logits.flatten()), r"returns torch.float32 of \[20\], not .* \[2, 10\]"),
    "the class": (Answers(lambda logits: logits.argmax(1, keepdim=True)), r"returns torch.int64 of \[2, 1\]"),
    "a map": (nn.Conv2d(3, 10, 3), r"Conv2d returns torch.float32 of \[2, 10, 30, 30\]"),
    "other images": (
        nn.Sequential(nn.Flatten(), nn.Linear(100, 10)),
        r"this Sequential cannot take images of \[2, 3, 32, 32\]: RuntimeError: mat1 and mat2",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_logits_is_refused_before_anything_is_written(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path, kind: str
) -> None:
    model, message = REFUSED[kind]
    with pytest.raises(resnetzoo.UsageError, match=message):
        resnetzoo.fit(model, tiny_data, tiny_recipe, device="cpu", out=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_a_network_is_asked_without_a_trace(tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe) -> None:
    model, seen = Answers(lambda logits: logits), []
    steps = tiny_recipe.steps

    class Look(resnetzoo.Callback):
        def on_fit_start(self, trainer: resnetzoo.TrainerState) -> None:
            seen.append((model.calls, model.norm.num_batches_tracked.item(), model.norm.running_mean.sum().item()))

    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    resnetzoo.fit(
        model, tiny_data, tiny_recipe, device="cpu", precision="fp32", compile=False, progress=False, callbacks=[Look()]
    )
    assert seen == [(0, 0, 0.0)]
    assert model.norm.num_batches_tracked == steps
    assert torch.equal(torch.random.get_rng_state(), before)
