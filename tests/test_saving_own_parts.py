"""Parts that a file cannot hold are passed again to `load`, or named in an error."""

import numpy as np
import pytest
import torch
from hostile_files import table
from instances import small
from saved import assert_same_answers, through_file
from sklearn.base import clone
from sklearn.compose import make_column_selector
from sklearn.exceptions import NotFittedError
from skorch.callbacks import Callback
from torch import nn

from skvae import VAETransformer, load
from skvae.distributions import Gaussian, Mixed, Poisson
from skvae.priors import StandardNormal


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.fixture
def model(digits):
    return small(VAETransformer, n_components=3).fit(digits)


def own_encoder(n_in):
    return nn.Sequential(nn.Linear(n_in, 5), nn.BatchNorm1d(5), nn.ELU())


class Tied(nn.Module):
    """A body that uses the same layer twice."""

    def __init__(self, width):
        super().__init__()
        self.one = self.two = nn.Linear(width, width)

    def forward(self, h):
        return self.two(torch.tanh(self.one(h)))


class Counter(Callback):
    """A callback that adds values to the history which are not plain data."""

    def on_epoch_end(self, net, **kwargs):
        net.history.record("odd", {1, 2})
        net.history.record("even", np.float32(0.1))


class Plain(torch.optim.SGD):
    """An optimizer that is not torch's."""


class Wide(StandardNormal):
    """A prior that is not skvae's."""


class Heavy(Gaussian):
    """A likelihood that is not skvae's."""


OWN = {
    "function": {"encoder": own_encoder},
    "module": {"decoder": nn.Sequential(nn.Linear(8, 9), nn.Dropout(0.2))},
    "both": {"encoder": nn.Linear(64, 64), "decoder": Tied(8)},
    "callbacks": {"callbacks": [("count", Counter())]},
    "net_params": {"net_params": {"optimizer": Plain, "lr": 1e-5}},
    "optimizer": {"optimizer": Plain},
    "prior": {"prior": Wide()},
    "likelihood": {"likelihood": Heavy(scale=2.0)},
}


@pytest.mark.parametrize("label", OWN)
def test_own_parts_are_passed_again_to_load(label, digits, path):
    own = OWN[label]
    params = {"lr": 1e-4} | own
    one = small(VAETransformer, **params).fit(digits)
    other = through_file(one, path, training_state=True, **own)
    assert_same_answers(one, other, digits)
    assert_same_answers(one.partial_fit(digits), other.partial_fit(digits), digits)


@pytest.mark.parametrize("label", OWN)
def test_missing_own_parts_are_named(label, digits, path):
    small(VAETransformer, **OWN[label]).fit(digits).save(path)
    again = ", ".join(f"{name}=..." for name in sorted(OWN[label]))
    with pytest.raises(ValueError, match=rf"load\(path, {again}\)"):
        load(path)


def test_callbacks_may_be_dropped_on_loading(digits, path):
    one = small(VAETransformer, **OWN["callbacks"]).fit(digits)
    other = through_file(one, path, callbacks=None)
    assert other.history_[-1, "even"] == one.history_[-1, "even"]
    assert "odd" not in other.history_[-1]
    assert_same_answers(one, other, digits)


def test_a_network_other_than_the_saved_one_is_refused(digits, path):
    small(VAETransformer, encoder=own_encoder).fit(digits).save(path)
    for encoder in (None, nn.Linear(64, 5)):
        with pytest.raises(ValueError, match="weights do not fit the network"):
            load(path, encoder=encoder)


def test_a_part_that_the_file_holds_cannot_be_passed(model, path):
    model.save(path)
    with pytest.raises(ValueError, match=r"does not lack encoder.*set_params"):
        load(path, encoder=own_encoder)


def test_a_selector_is_saved_as_the_selected_columns(path):
    X = table().astype({"d": int, "e": int})
    parts = [
        ("gaussian-shared", make_column_selector(dtype_include=float)),
        ("codes", X.columns[[3, 4]]),
    ]
    real = Gaussian("shared"), parts[0][1]
    for likelihood in (parts, Mixed([real, (Poisson(), [3, 4])])):
        one = small(VAETransformer, likelihood=likelihood).fit(X)
        other = through_file(one, path)
        assert_same_answers(one, other, X)
        assert_same_answers(one, clone(other).fit(X), X)
    assert other.likelihood.parts[0][1] == [0, 1, 2, 5, 6, 7]


def test_a_parameter_changed_since_fit_is_an_error(model, path):
    with pytest.raises(
        ValueError, match=r"'n_components'.* was changed after fit to 4"
    ):
        model.set_params(n_components=4).save(path)
    model.set_params(n_components=3, lr=0.1).save(path)
    assert load(path).lr == 0.1


def test_an_unfitted_estimator_cannot_be_saved(path):
    with pytest.raises(NotFittedError):
        VAETransformer().save(path)
    assert not path.exists()


def test_a_class_that_load_would_not_find_cannot_be_saved(digits, path):
    class Own(VAETransformer):
        pass

    with pytest.raises(ValueError, match="Own is not part of skvae"):
        small(Own).fit(digits).save(path)
