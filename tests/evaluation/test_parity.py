"""How far two networks agree."""

import copy

import pytest
import torch
import torch._inductor.config

import resnetzoo


def test_agreement_counts_what_differs(tiny_model: resnetzoo.CifarNet, tiny_data: resnetzoo.Data) -> None:
    twin = copy.deepcopy(tiny_model)
    same = resnetzoo.agreement(tiny_model, twin, tiny_data.test, batch_size=20)
    assert same == resnetzoo.Agreement(top1=100, max_logit_difference=0, n=20)
    with torch.no_grad():
        tiny_model.get_parameter("fc.bias")[0] -= 1000
        twin.get_parameter("fc.bias")[1] -= 1000
    assert tiny_model.training
    different = resnetzoo.agreement(tiny_model, twin, tiny_data.test)
    assert different.max_logit_difference == pytest.approx(1000, rel=0.01)
    assert tiny_model.training


def test_agreement_needs_logits_of_one_shape(tiny_model: resnetzoo.CifarNet, tiny_data: resnetzoo.Data) -> None:
    other = copy.deepcopy(tiny_model)
    other.reset_classifier(3)
    with pytest.raises(resnetzoo.UsageError, match=r"\[20, 10\] and \[20, 3\]"):
        resnetzoo.agreement(tiny_model, other, tiny_data.test)
