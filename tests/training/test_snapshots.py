"""States copied from a device in one piece per dtype: the same files, by a handful of operations."""

import io
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any

import pytest
import torch
from behind import SlowTransfer
from cases import TINY_RECIPE, small_network
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

import resnetzoo
from resnetzoo.training.callbacks.checkpointing import largest_weights
from resnetzoo.training.optimizer import load_momentum, make_optimizer
from resnetzoo.training.snapshots import CudaTransfer, HostSnapshots, LiveSnapshots

CPU = torch.device("cpu")


def training_state(model: nn.Module) -> dict[str, Any]:
    """What a checkpoint of a run on CUDA has of tensors: channels last, with momentum and the rate as a tensor."""
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = make_optimizer(model, TINY_RECIPE, CPU, lr_on_device=True)
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)
    optimizer.step()
    return {"model": model.state_dict(), "optimizer": optimizer.state_dict()}


def tensors_of(tree: object) -> list[Tensor]:
    if isinstance(tree, Tensor):
        return [tree]
    values = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, (list, tuple)) else ()
    return [tensor for value in values for tensor in tensors_of(value)]


def stored(state: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def test_a_snapshot_makes_the_same_file_to_the_byte() -> None:
    state = training_state(small_network(0))
    before = stored(state)
    assert stored(HostSnapshots(SlowTransfer()).take(state)()) == before
    assert stored(LiveSnapshots().take(state)()) == before


def test_a_snapshot_is_of_its_own_time() -> None:
    """Training goes on while the copy is on its way, and the memory is used again for the next."""
    model = small_network(0)
    state = training_state(model)
    before = stored(state)
    transfer = SlowTransfer(arrives=False)
    snapshots = HostSnapshots(transfer)
    first = snapshots.take(state)
    with torch.no_grad():
        for tensor in tensors_of(state):
            tensor.add_(1)
    state["optimizer"]["param_groups"][0]["momentum"] = 0.5
    transfer.may_arrive.set()
    kept = first()
    assert stored(kept) == before
    second = snapshots.take(state)()
    assert stored(second) == stored(state) != before
    assert stored(kept) == before
    assert len(transfer.made) == 2  # of fp32 and int64, made once


def test_tensors_of_every_layout_come_back_as_they_were() -> None:
    grid = torch.arange(24.0).reshape(2, 3, 4)
    state = OrderedDict(
        transposed=grid.permute(2, 0, 1),
        channels_last=torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
        pointwise=torch.randn(4, 3, 1, 1).to(memory_format=torch.channels_last),
        part=torch.arange(10.0)[3:7],
        every_other=torch.arange(10.0)[::2],
        repeated=torch.tensor([1.0]).expand(3),
        sparse=torch.tensor([[0.0, 2.0], [0.0, 0.0]]).to_sparse(),
        scalar=torch.tensor(7),
        none=torch.empty(0, 3),
        half=torch.randn(5).bfloat16(),
        learned=torch.randn(3, requires_grad=True),
        nested=[(torch.tensor([True, False]), "word", None, 1.5)],
    )
    taken = HostSnapshots(SlowTransfer()).take(state)()
    assert type(taken) is OrderedDict
    assert taken["nested"][0][1:] == ("word", None, 1.5)
    assert taken.keys() == state.keys()
    for one, two in zip(tensors_of(taken), tensors_of(state), strict=True):
        assert one.dtype == two.dtype
        assert torch.equal(one.to_dense(), two.detach().to_dense())
        assert not one.requires_grad
    for name in ("transposed", "channels_last", "pointwise", "part", "scalar", "half"):
        assert taken[name].stride() == state[name].stride()  # type: ignore[attr-defined]
        assert taken[name].untyped_storage().nbytes() == taken[name].nbytes  # type: ignore[attr-defined]


def test_room_is_made_before_there_is_momentum() -> None:
    model, transfer = small_network(0), SlowTransfer()
    snapshots = HostSnapshots(transfer)
    optimizer = make_optimizer(model, TINY_RECIPE, CPU, lr_on_device=True)
    snapshots.reserve([model.state_dict(), optimizer.state_dict(), list(model.parameters())])
    made = list(transfer.made)
    snapshots.take(training_state(model))()
    assert transfer.made == made


class Operations(TorchDispatchMode):
    """Counts what a device would have to do: every operation but views."""

    def __init__(self) -> None:
        super().__init__()
        self.counted: Counter[str] = Counter()

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if str(func) not in ("aten.as_strided.default", "aten.detach.default", "aten.slice.Tensor"):
            self.counted[str(func)] += 1
        return func(*args, **(kwargs or {}))


class NoTransfer(SlowTransfer):
    """A copy a pair, and nothing else."""

    def start(self, copies: Any) -> Callable[[], None]:
        for source, target in copies:
            target.copy_(source)
        return lambda: None


def test_a_snapshot_of_110_layers_takes_a_handful_of_operations() -> None:
    model = resnetzoo.create("resnet110", seed=0)
    state = training_state(model)
    assert len(tensors_of(state)) == 985 + 1  # and the learning rate
    snapshots = HostSnapshots(NoTransfer())
    snapshots.reserve(state)
    with Operations() as operations:
        snapshots.take(state)
        largest_weights(model)
    assert operations.counted == {
        "aten.cat.default": 2,  # fp32, and the int64 counts of batch norm
        "aten.copy_.default": 2,
        "aten._foreach_abs.default": 1,
        "aten._foreach_max.default": 1,
        "aten.stack.default": 1,
    }


def test_the_largest_weights_are_those_of_each_parameter() -> None:
    model = small_network(0)
    assert largest_weights(model) == [float(weight.detach().abs().max()) for weight in model.parameters()]
    for bad in (torch.inf, -torch.inf, torch.nan):
        model = small_network(0)
        with torch.no_grad():
            model.get_parameter("layer2.0.bn1.weight")[3] = bad
        names = [name for name, _ in model.named_parameters()]
        found = dict(zip(names, largest_weights(model), strict=True))
        assert [name for name, value in found.items() if not value < torch.inf] == ["layer2.0.bn1.weight"]
        assert str(found["layer2.0.bn1.weight"]) == str(abs(bad))


def test_a_state_of_a_snapshot_is_taken_up_again() -> None:
    model = small_network(0)
    state = HostSnapshots(SlowTransfer()).take(training_state(model))()
    other = small_network(1)
    other.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = make_optimizer(other, TINY_RECIPE, CPU, lr_on_device=True)
    other.load_state_dict(state["model"])
    load_momentum(optimizer, state["optimizer"])
    assert float(optimizer.param_groups[0]["lr"]) == pytest.approx(TINY_RECIPE.lr)
    for one, two in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, two)


@pytest.mark.cuda
def test_a_snapshot_from_cuda_is_of_its_own_time() -> None:
    device = torch.device("cuda")
    model = small_network(0).to(device)
    before = {key: value.cpu() for key, value in model.state_dict().items()}
    taken = HostSnapshots(CudaTransfer(device)).take(model.state_dict())
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    for key, value in taken().items():
        assert value.device.type == "cpu"
        assert torch.equal(value, before[key])
