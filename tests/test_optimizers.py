"""The optimizers by name, and our Adam beside torch's."""

import pickle
import subprocess
import sys

import pytest
import torch
from families import numbers
from torch import nn

from skvae.handwritten import _adam
from skvae.training import OPTIMIZERS, FusedAdam

SETTINGS = {
    "default": {},
    "lr": {"lr": 0.3},
    "betas": {"betas": (0.5, 0.99), "eps": 1e-4},
    "weight-decay": {"weight_decay": 0.1},
}


def torch_adam(parameters, **kwargs):
    return torch.optim.Adam(parameters, fused=True, **kwargs)


def parameters_of(dtype):
    return [nn.Parameter(numbers(7, 5).to(dtype)), nn.Parameter(numbers(5).to(dtype))]


def set_gradients(parameters, step):
    """Give new gradients; the second parameter has none in every third step."""
    for i, parameter in enumerate(parameters):
        missing = i == 1 and step % 3 == 0
        gradient = numbers(*parameter.shape, seed=100 * step + i).to(parameter.dtype)
        parameter.grad = None if missing else gradient


def assert_same_steps(ours, theirs, steps=50):
    """Both optimizers' parameters stay equal to the bit."""
    mine, its = (
        [p for group in optimizer.param_groups for p in group["params"]]
        for optimizer in (ours, theirs)
    )
    for step in range(steps):
        set_gradients(mine, step)
        set_gradients(its, step)
        ours.step()
        theirs.step()
        for p, q in zip(mine, its, strict=True):
            assert torch.equal(p, q)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("label", SETTINGS)
def test_fused_adam_is_torchs_to_the_bit(label, dtype):
    kwargs = SETTINGS[label]
    ours, theirs = (
        build(parameters_of(dtype), **kwargs) for build in (FusedAdam, torch_adam)
    )
    assert_same_steps(ours, theirs)


def test_the_public_function_stands_in_to_the_bit(monkeypatch):
    # If this fails, torch's kernel and its public function have parted.
    ours, theirs = (FusedAdam(parameters_of(torch.float32)) for _ in range(2))
    assert_same_steps(ours, theirs, steps=3)
    for step in range(3, 9):
        for optimizer, kernel in ((ours, None), (theirs, _adam.KERNEL)):
            set_gradients(optimizer.param_groups[0]["params"], step)
            with monkeypatch.context() as patch:
                patch.setattr(_adam, "KERNEL", kernel)
                optimizer.step()
    pairs = zip(*(o.param_groups[0]["params"] for o in (ours, theirs)), strict=True)
    assert all(torch.equal(p, q) for p, q in pairs)


def test_this_release_of_torch_has_the_kernel():
    assert _adam.KERNEL is not None, "the slower public function is used"


def test_a_state_that_is_replaced_counts_from_there():
    ours, theirs = (
        build(parameters_of(torch.float32)) for build in (FusedAdam, torch_adam)
    )
    assert_same_steps(ours, theirs, steps=4)
    for optimizer in (ours, theirs):
        first = optimizer.param_groups[0]["params"][0]
        del optimizer.state[first]
    assert_same_steps(ours, theirs, steps=4)


def test_hooks_of_the_step_are_called():
    parameter, called = nn.Parameter(torch.tensor([2.0])), []
    optimizer = FusedAdam([parameter])
    optimizer.register_step_pre_hook(lambda *_: called.append("before"))
    optimizer.register_step_post_hook(lambda *_: called.append("after"))
    parameter.grad = torch.ones(1)
    optimizer.step()
    assert called == ["before", "after"]
    assert parameter.item() < 2.0


def test_groups_keep_their_own_settings():
    def groups():
        one, two = parameters_of(torch.float32)
        return [{"params": [one], "lr": 0.1}, {"params": [two], "weight_decay": 0.5}]

    assert_same_steps(FusedAdam(groups()), torch_adam(groups()))


def test_a_group_may_be_added_later():
    def built(build):
        one, two = parameters_of(torch.float32)
        optimizer = build([one])
        optimizer.add_param_group({"params": [two], "lr": 0.2})
        return optimizer

    assert_same_steps(built(FusedAdam), built(torch_adam))


def resumed_by_pickle(optimizer):
    return pickle.loads(pickle.dumps(optimizer))


def resumed_by_state(optimizer):
    moved = optimizer.param_groups[0]["params"]
    fresh = FusedAdam([nn.Parameter(p.detach().clone()) for p in moved])
    fresh.load_state_dict(optimizer.state_dict())
    return fresh


@pytest.mark.parametrize("resumed", [resumed_by_pickle, resumed_by_state])
def test_a_resumed_adam_goes_on_to_the_bit(resumed):
    ours, theirs = (
        build(parameters_of(torch.float32)) for build in (FusedAdam, torch_adam)
    )
    assert_same_steps(ours, theirs, steps=5)
    assert_same_steps(resumed(ours), theirs, steps=5)


def test_step_returns_the_closures_loss_and_uses_its_gradients():
    parameter = nn.Parameter(torch.tensor([2.0]))
    optimizer = FusedAdam([parameter], lr=0.5)

    def closure():
        optimizer.zero_grad()
        loss = parameter.square().sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 4.0
    assert parameter.item() == pytest.approx(1.5)


def test_zero_grad_forgets_the_gradients():
    parameters = parameters_of(torch.float32)
    set_gradients(parameters, 1)
    FusedAdam(parameters).zero_grad()
    assert [p.grad for p in parameters] == [None, None]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_name_gives_an_optimizer_that_descends(name):
    parameter = nn.Parameter(torch.tensor([2.0]))
    optimizer = OPTIMIZERS[name]([parameter], lr=0.1)
    parameter.square().sum().backward()
    optimizer.step()
    assert parameter.item() < 2.0


FIT = """
import sys
import numpy as np
from skvae import VAETransformer
VAETransformer(max_epochs=1, hidden_layer_sizes=(4,)).fit(np.eye(8))
print([name for name in sys.modules if name.startswith("torch._dynamo")])
"""


def test_a_fit_does_not_import_torchs_compiler():
    run = subprocess.run(
        [sys.executable, "-c", FIT], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
