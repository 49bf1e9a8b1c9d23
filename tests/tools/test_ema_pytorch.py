"""ema-pytorch's moving average of a network against the formula, and its way through a file."""

import copy

import pytest
import torch
from cases import small_network

import resnetzoo

ema_pytorch = pytest.importorskip("ema_pytorch", reason="ema-pytorch is not installed")

BETA = 0.75


def test_the_average_is_the_formulas_and_can_be_saved() -> None:
    model = small_network(seed=0).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    average = ema_pytorch.EMA(model, beta=BETA, min_value=BETA, update_after_step=0, update_every=1)
    torch.manual_seed(1)
    expected: dict[str, torch.Tensor] = {}
    for _ in range(4):
        optimizer.zero_grad()
        model(torch.randn(4, 3, 16, 16)).square().mean().backward()
        optimizer.step()
        average.update()
        state = {name: tensor.clone() for name, tensor in model.named_parameters()}
        expected = {name: BETA * expected.get(name, now) + (1 - BETA) * now for name, now in state.items()}
    network = average.ema_model
    assert isinstance(network, resnetzoo.CifarNet)
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(parameter, expected[name], msg=name)
    assert not torch.equal(network.fc.weight, model.fc.weight)
    resnetzoo.save_weights(copy.deepcopy(network), "average.safetensors")
    again, images = resnetzoo.load_checkpoint("average.safetensors").eval(), torch.randn(2, 3, 16, 16)
    assert torch.equal(again(images), network.eval()(images))
