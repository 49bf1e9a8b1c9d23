"""What a network of the zoo must be able to do: duties of the row of a name, and of its thin twin.

Names, shapes, costs and the drawing are asked of the row itself. What computes is asked of its thin twin, which has the
same structure in few channels and blocks: so the names of one series share a twin, whose duties are carried out once.
"""

import copy
import functools
import json
import pickle
import re
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch
from cases import DEEPEST, PARAMS, PARAMS_100, TINY_RECIPE, TWINS, WIDE, lived_in
from forward_by_hand import by_hand
from PIL import Image
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import resnetzoo
from resnetzoo import plots
from resnetzoo.export import FORMATS
from resnetzoo.inference.fuse import fuse_batch_norm
from resnetzoo.models.cifar_net import without_values
from resnetzoo.utils.device import has_vnni
from resnetzoo.weights.checkpoint.infer_spec import infer_spec

Spec = resnetzoo.ModelSpec
SVG = "{http://www.w3.org/2000/svg}"
PACKAGES = {"onnx": ("onnxruntime", "onnxscript")}  # what a format needs beside torch


@functools.cache
def without_memory(name: str) -> resnetzoo.CifarNet:
    """Its names and shapes, in evaluation mode."""
    return without_values(resnetzoo.get_spec(name)).eval()


def costs(name: str) -> None:
    """Parameters, multiply-adds, activations and stages are by the spec what torch counts, at 32 and at 64 pixels."""
    spec, model = resnetzoo.get_spec(name), without_memory(name)
    assert sum(parameter.numel() for parameter in model.parameters()) == PARAMS[name]
    hundred = resnetzoo.complexity(replace(spec, num_classes=100)).params
    assert hundred == PARAMS_100.get(name, hundred) == PARAMS[name] + 90 * (model.fc.in_features + 1)
    shapes: dict[str, torch.Size] = {}
    hooks = [
        module.register_forward_hook(lambda module, inputs, output, path=path: shapes.update({path: output.shape}))
        for path, module in model.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear) or path in model.stage_names
    ]
    for side in (32,) if name in DEEPEST else (32, 64):  # each costs seconds for a thousand layers
        cost = resnetzoo.complexity(name, input_size=side)
        with FlopCounterMode(display=False) as counter:
            logits = model(torch.empty(1, 3, side, side, device="meta"))
        assert logits.shape == (1, 10)
        maps = [shapes.pop(stage) for stage in model.stage_names]
        assert maps == [
            (1, stage.out_chans, side // reduction, side // reduction)
            for stage, reduction in zip(spec.stages, spec.reductions, strict=True)
        ]
        assert cost == (PARAMS[name], counter.get_total_flops() // 2, sum(shape.numel() for shape in shapes.values()))
    for hook in hooks:
        hook.remove()


def depth(name: str) -> None:
    """The layers with weights are as many as the name says."""
    model = without_memory(name)
    weighted = [
        path
        for path, module in model.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear) and "downsample" not in path
    ]
    said = int(re.findall(r"\d+", name)[0])
    assert len(weighted) == (said - 2 if name.startswith("wrn") else said)  # whose authors count three projections
    assert model.spec.depth == said


def twin(name: str) -> None:
    """The thin twin differs from the row in numbers alone, and in no structure."""
    row, thin = resnetzoo.get_spec(name), TWINS[name]
    for field in ("family", "block", "shortcut", "norm", "in_chans", "num_classes", "norm_first", "is_wide"):
        assert getattr(row, field) == getattr(thin, field)
    assert (row.groups > 1) == (thin.groups > 1)
    for big, small in zip(row.stages, thin.stages, strict=True):
        assert big.stride == small.stride
        shapes, thin_shapes = next(big.block_shapes()), next(small.block_shapes())
        assert row.has_projection(shapes) == thin.has_projection(thin_shapes)
        assert shapes.changes_shape == thin_shapes.changes_shape
    # And has what the row has in one block or the other: an identity, or zeros beside it, or a projection.
    assert {shortcut_of(row, block) for block in row.blocks()} <= {shortcut_of(thin, block) for block in thin.blocks()}


def shortcut_of(spec: Spec, block: resnetzoo.BlockShape) -> str:
    return "projection" if spec.has_projection(block) else "zeros" if block.changes_shape else "identity"


def drawing(name: str) -> None:
    """Every convolution is drawn or counted."""
    spec = resnetzoo.get_spec(name)
    words = [text.text or "" for text in ElementTree.fromstring(plots.draw(spec)).iter(f"{SVG}text")]
    drawn = sum(re.match(r"[13]x[13] conv, \d+(, /2)?$", word) is not None for word in words)
    projections = sum(spec.has_projection(next(stage.block_shapes())) for stage in spec.stages)
    counted = sum(int(word.split()[0]) for word in words if word.endswith("more like the next"))
    assert drawn - projections + counted * spec.layers_per_block == spec.depth - (3 if spec.is_wide else 1)
    assert f"{resnetzoo.complexity(spec).params:,} parameters" in words
    assert words[0] == spec.label
    assert sum(word.startswith(f"{spec.norm} norm and ReLU") for word in words) == 1


def specification(name: str) -> None:
    """It is plain data, and is read off the names and shapes of weights, but for what no weight shows."""
    spec = resnetzoo.get_spec(name)
    assert Spec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
    shapes = {key: tuple(value.shape) for key, value in without_memory(name).state_dict().items()}
    assert infer_spec(shapes) == (spec if spec.has_shortcuts else replace(spec, family="residual"))


def values(name: str) -> None:
    """The row itself answers."""
    model = resnetzoo.create(name, seed=0)
    side = 8 if name in WIDE else 32  # a sixteenth of the pixels, each of which costs more
    with torch.inference_mode():
        logits = model(torch.randn(2, 3, side, side))
    assert logits.shape == (2, 10)
    assert logits.isfinite().all()


def formula(spec: Spec) -> None:
    """In evaluation it is the forward pass by hand, at 32 and at 64 pixels."""
    model = lived_in(spec).double()
    for side in (32, 64):
        by_hand(model, torch.randn(2, 3, side, side, dtype=torch.float64))


def gradients(spec: Spec) -> None:
    """All parameters get some, at 32 and at 64 pixels."""
    model = lived_in(replace(spec, num_classes=42)).train()
    for side in (32, 64):
        logits = model(torch.randn(2, 3, side, side))
        assert logits.shape == (2, 42)
        model.zero_grad()
        logits.square().mean().backward()
        for path, parameter in model.named_parameters():
            assert parameter.grad is not None, path
            assert parameter.grad.isfinite().all(), path
            assert parameter.grad.any(), path


def features(spec: Spec) -> None:
    """Feature map, pooled features, classifier, and other classifiers in its place."""
    model = lived_in(spec)
    images = torch.randn(2, 3, 32, 32)
    found = model.forward_features(images)
    side = 32 // spec.reductions[-1]
    assert found.shape == (2, model.num_features, side, side)
    torch.testing.assert_close(model.forward_head(found), model(images))
    pooled = model.forward_head(found, pre_logits=True)
    torch.testing.assert_close(pooled, found.mean(dim=(2, 3)))
    assert model.get_classifier() is model.fc
    model.reset_classifier(7)
    assert model(images).shape == (2, 7)
    assert model.num_classes == model.spec.num_classes == 7
    model.reset_classifier(0)
    torch.testing.assert_close(model(images), pooled)
    assert model.num_classes == 0


def saving(spec: Spec) -> None:
    """State dict, pickle, copy, and a file of weights, which says its spec."""
    model = lived_in(spec)
    images = torch.randn(2, 3, 32, 32)
    other = resnetzoo.CifarNet(spec).eval()
    other.load_state_dict(model.state_dict())
    with tempfile.TemporaryDirectory() as folder:
        resnetzoo.save_weights(model, Path(folder) / "weights.safetensors")
        read = resnetzoo.load_checkpoint(Path(folder) / "weights.safetensors")
    for same in (other, pickle.loads(pickle.dumps(model)), copy.deepcopy(model), read):
        assert same.spec == spec
        assert torch.equal(same(images), model(images))


def folding(spec: Spec) -> None:
    """Outputs stay, and with them the norms that no convolution feeds alone, and group norms."""
    model = lived_in(spec)
    images = torch.randn(3, 3, 32, 32)
    fused = fuse_batch_norm(model)
    with torch.no_grad():
        expected = model(images)
        torch.testing.assert_close(fused(images), expected, rtol=1e-4, atol=1e-4 * float(expected.std()))
    norms = [path for path, module in fused.named_modules() if isinstance(module, nn.GroupNorm | nn.BatchNorm2d)]
    after_a_sum = [f"{block.name}.bn1" for block in spec.blocks()] + ["bn"]
    if spec.norm == "batch":
        assert norms == (after_a_sum if spec.family == "preactivation" else [])
    else:
        assert norms == [name for name, module in model.named_modules() if isinstance(module, nn.GroupNorm)]


def optimizing(spec: Spec) -> None:
    """Outputs stay to rounding; 8 bits are for the networks whose norms are all folded, and others are told why."""
    model = lived_in(spec)
    data = resnetzoo.synthetic(seed=0, train_images=32, test_images=32)
    images = data.train.normalization("channel")(data.test.images)
    with torch.no_grad():
        expected = model(images)
    for precision, tolerance in (("fp32", 1e-4), ("bf16", 0.1)):
        logits = resnetzoo.optimize(model, precision=precision, compile=False)(images)
        assert logits.dtype == torch.float32
        assert float((logits - expected).abs().max()) < tolerance * float(expected.std())
    if spec.norm_first or spec.norm != "batch":
        with pytest.raises(resnetzoo.UsageError, match=r'norm.* use precision="bf16"'):
            resnetzoo.optimize(model, precision="int8", compile=False)
        return
    if not has_vnni():
        return
    difference = resnetzoo.optimize(model, precision="int8", compile=False, calibration=data.train)(images) - expected
    assert float(difference.square().mean().sqrt()) < 0.1 * float(expected.std())


def tracing(spec: Spec) -> None:
    """TorchScript keeps its checks, torch.export the batch open, torch.compile makes one graph."""
    model = lived_in(spec)
    images = torch.randn(3, 3, 32, 32)
    expected = model(images)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls its own scripting deprecated
        scripted = torch.jit.script(model)
        torch.testing.assert_close(scripted(images), expected)
        with pytest.raises(Exception, match="expected images of shape"):
            scripted(images[0])
        exported = torch.export.export(model, (images,), dynamic_shapes=({0: torch.export.Dim("n")},))
        torch.testing.assert_close(exported.module()(images[:2]), expected[:2], rtol=1e-3, atol=1e-4)
        # The "eager" backend traces the whole network into one graph, which is what fullgraph asks for,
        # and skips only the minutes of generating machine code for it.
        compiled = torch.compile(model, fullgraph=True, backend="eager")
        torch.testing.assert_close(compiled(images), expected)
    torch.compiler.reset()


def exporting(spec: Spec) -> None:
    """Every format, which its own runtime has compared with the network before the file appears."""
    model = lived_in(spec)
    with tempfile.TemporaryDirectory() as folder:
        for word, form in FORMATS.items():
            if not all(find_spec(package) for package in PACKAGES.get(word, ())):
                continue
            done = form.export(model, Path(folder) / f"{word}{form.suffix}")
            assert done.path.is_file()
            assert 0 <= done.max_difference <= 1e-4


class Fails(resnetzoo.Callback):
    """Ends the run by an error behind its third step; the second was saved."""

    def on_step_end(self, trainer: resnetzoo.TrainerState) -> None:
        if trainer.step == 3:
            raise RuntimeError("the third")


def training(spec: Spec) -> None:
    """A run that fails goes on to the bit; what it leaves loads, and classifies image files."""
    data = resnetzoo.synthetic(seed=1, train_images=24, test_images=8)
    recipe = replace(TINY_RECIPE, steps=4, batch_size=8)

    def train(out: Path | None = None, *callbacks: resnetzoo.Callback) -> dict[str, Tensor]:
        every = None if out is None else 2
        options = {"device": "cpu", "precision": "fp32", "progress": False}
        torch.manual_seed(0)
        model = resnetzoo.CifarNet(spec)
        run = resnetzoo.fit(model, data, recipe, out=out, checkpoint_every=every, callbacks=callbacks, **options)  # type: ignore[arg-type]
        return run.model.state_dict()

    with tempfile.TemporaryDirectory() as folder:
        run, image = Path(folder) / "run", Path(folder) / "image.png"
        straight = train()
        with pytest.raises(RuntimeError, match="the third"):
            train(run, Fails())
        resumed = train(run)
        assert all(torch.equal(resumed[key], value) for key, value in straight.items())
        model = resnetzoo.load_checkpoint(run)
        Image.fromarray(data.test.images[0].permute(1, 2, 0).numpy()).save(image)
        (prediction,) = resnetzoo.predict(model, [image], top=1)
        with torch.no_grad():
            found = model(model.preprocess(data.test.images[:1]))
    assert model.spec == spec
    assert prediction.classes[0] == data.test.classes[int(found.argmax())]


OF_THE_ROW: tuple[Callable[[str], None], ...] = (costs, depth, twin, drawing, specification, values)
OF_THE_TWIN: tuple[Callable[[Spec], None], ...] = (
    *(formula, gradients, features, saving, folding, optimizing, tracing, exporting, training),
)
