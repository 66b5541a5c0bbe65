"""Bad input raises one clear error before training, and keeps the fitted state."""

import numpy as np
import pandas as pd
import pytest
import torch
from instances import fit, having, partial_fit, small, width_parameter
from sklearn.exceptions import NotFittedError
from skorch.callbacks import Callback
from torch import nn

from skvae import AETransformer, VAETransformer
from skvae.discovery import all_estimators
from skvae.distributions import Bernoulli, Codes, Gaussian, Poisson
from skvae.exceptions import SkvaeDataWarning
from skvae.priors import VampPrior
from skvae.training import HoldOut, Rows

each_estimator = pytest.mark.parametrize("cls", [cls for _, cls in all_estimators()])


def changed(X, value):
    X = X.copy()
    X[3, 5] = value
    return X


BAD_DATA = {
    "inf": (lambda X: changed(X, np.inf), {}, "infinity"),
    "4-D": (lambda X: X.reshape(-1, 8, 8, 1), {}, r"X.reshape\(len\(X\), -1\)"),
    "1-D": (lambda X: X[0], {}, "Reshape your data"),
    "empty": (lambda X: X[:0], {}, "0 sample"),
    "strings": (lambda X: X.astype(str).astype(object) + "a", {}, "x0 (of X )?holds"),
    "negative Bernoulli": (
        lambda X: changed(X, -0.1),
        {"likelihood": "bernoulli"},
        "Negative values in data",
    ),
    "negative counts": (
        lambda X: changed(X, -1),
        {"likelihood": "poisson"},
        "Negative values in data",
    ),
    "fractional counts": (
        lambda X: changed(np.round(X), 0.5),
        {"likelihood": "poisson"},
        "Column x5 .* not whole numbers",
    ),
    "not one-hot": (
        lambda X: changed(np.eye(64)[:20], 1.0),
        {"likelihood": "categorical"},
        "Row 3 is not one-hot",
    ),
    "uncovered column": (
        lambda X: X,
        {"likelihood": [("gaussian", slice(0, 63))]},
        "no part for x63",
    ),
    "column twice": (
        lambda X: X,
        {"likelihood": [("gaussian", slice(0, 64)), ("bernoulli", [3])]},
        "more than one part for x3",
    ),
    "unknown column": (
        lambda X: X,
        {"likelihood": [("gaussian", ["age"])]},
        "No column is named 'age'",
    ),
    "one row held out": (lambda X: X[:1], {"early_stopping": True}, "n_samples = 1"),
}

BAD_PARAMETERS = {
    "n_components": [0, -2, 1.5, "8", None, True],
    "hidden_layer_sizes": [64, (0,), (-3, 2), ("a",)],
    "activation": ["rellu", None],
    "dropout": [-0.1, 1.0, "0.5"],
    "likelihood": ["normal", 3, [], [("gaussian",)], [("normal", [0])]],
    "encoder": [3, "conv"],
    "binarize": ["always", True],
    "max_epochs": [0, -1, 2.0],
    "batch_size": [0, 12.5],
    "lr": [0, -1e-3, "fast", float("nan")],
    "optimizer": ["adamm", 3, torch.optim.LBFGS],
    "weight_decay": [-1],
    "validation_fraction": [0.0, 1.0],
    "n_iter_no_change": [0],
    "tol": [-1e-3],
    "dtype": ["float16", np.float32],
    "device": ["cuda:99", "gpu", 3, "meta", "privateuseone"],
    "random_state": ["seed", -1],
    "callbacks": [3, [3], [("name", 3)], [("name", Callback, 1)]],
    "net_params": [
        *([("lr", 1)], {"seed": 1}, {"module": None}, {1: 2}, {"epochs": 3}),
        {"train_split": nn.Linear(4, 3)},
    ],
    "warm_start": [pd.Index(["a", "b"]), 1],
}


@each_estimator
@pytest.mark.parametrize("case", BAD_DATA)
def test_bad_data_is_one_clear_error_and_changes_nothing(cls, case, digits):
    spoil, params, message = BAD_DATA[case]
    estimator = fit(small(cls), digits)
    before = dict(vars(estimator))
    answers = estimator.transform(digits)
    estimator.set_params(**params)
    for way in (fit, partial_fit):
        if way is partial_fit:
            estimator.set_params(likelihood="gaussian-shared")
            if "likelihood" in params or "early_stopping" in params:
                continue
        with pytest.raises(ValueError, match=message):
            way(estimator, spoil(digits))
    estimator.set_params(likelihood="gaussian-shared", early_stopping=False)
    assert vars(estimator) == before
    np.testing.assert_array_equal(estimator.transform(digits), answers)


@pytest.mark.parametrize(
    ("cls", "name", "value"),
    [
        (cls, name, value)
        for _, cls in all_estimators()
        for name, values in BAD_PARAMETERS.items()
        for value in values
        if cls in having(name) or name == "n_components"
    ],
)
def test_an_invalid_parameter_is_named(cls, name, value, digits):
    name = width_parameter(cls) if name == "n_components" else name
    with pytest.raises(ValueError, match=f"The '{name}' parameter of {cls.__name__}"):
        fit(small(cls, **{name: value}), digits)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("beta", -1.0),
        ("beta", "small"),
        ("prior", "normal"),
        ("kl_warmup", -1),
        ("n_importance_samples", 0),
    ],
)
def test_an_invalid_parameter_of_a_vae_is_named(name, value, digits):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of VAETransformer"):
        small(VAETransformer, **{name: value}).fit(digits)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"likelihood": Gaussian(scale="rows")}, "The 'scale' parameter of Gaussian"),
        ({"likelihood": Gaussian(scale=0.0)}, "The 'scale' parameter of Gaussian"),
        ({"likelihood": Gaussian(mean="relu")}, "The 'mean' parameter of Gaussian"),
        (
            {"prior": VampPrior(n_pseudo_inputs=0)},
            "The 'n_pseudo_inputs' parameter of VampPrior",
        ),
    ],
)
def test_an_invalid_parameter_of_a_part_is_named(params, message, digits):
    with pytest.raises(ValueError, match=message):
        small(VAETransformer, **params).fit(digits)


WRONG_BODIES = {
    "too narrow": nn.Linear(10, 4),
    "images": nn.Sequential(nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 2, 3)),
    "a number": lambda n_in: 3,
    "not the rows": nn.Flatten(0),
}


@pytest.mark.parametrize(
    ("cls", "side"),
    [(cls, side) for side in ("encoder", "decoder") for cls in having(side)],
)
@pytest.mark.parametrize("body", WRONG_BODIES.values(), ids=WRONG_BODIES)
def test_a_body_of_the_wrong_width_is_named(cls, side, body, digits):
    with pytest.raises(ValueError, match=f"The '{side}' parameter must"):
        fit(small(cls, **{side: body}), digits)


@each_estimator
def test_unknown_parameter_names_are_refused(cls):
    with pytest.raises(TypeError, match="n_latents"):
        cls(n_latents=3)
    with pytest.raises(ValueError, match="Invalid parameter 'n_latents'"):
        cls().set_params(n_latents=3)


@each_estimator
def test_an_unfitted_estimator_says_so(cls, digits):
    for method in ("transform", "inverse_transform", "reconstruct", "score"):
        with pytest.raises(NotFittedError):
            getattr(cls(), method)(digits)


@each_estimator
def test_a_wrong_number_of_columns_is_named(cls, digits):
    estimator = fit(small(cls), digits)
    with pytest.raises(ValueError, match=r"63 features, but .* expecting 64"):
        estimator.transform(digits[:, :63])
    with pytest.raises(ValueError, match=r"X has 7 columns, but the latents of"):
        estimator.inverse_transform(digits[:, :7])


def test_an_unseen_code_names_its_column(digits):
    X = np.tile([[0.0, 3.0], [1.0, 5.0]], (20, 1))
    estimator = small(VAETransformer, likelihood=Codes()).fit(X)
    with pytest.raises(ValueError, match="Column x1 holds the code 4"):
        estimator.transform([[0.0, 4.0]])


def test_binarize_needs_bernoulli_columns(digits):
    with pytest.raises(ValueError, match="The 'binarize' parameter"):
        small(VAETransformer, binarize="dynamic").fit(digits)
    fitted = small(VAETransformer).fit(digits).set_params(binarize="dynamic")
    with pytest.raises(ValueError, match="The 'binarize' parameter"):
        fitted.partial_fit(digits)


def test_bernoulli_values_above_one_only_warn(digits):
    with pytest.warns(SkvaeDataWarning, match="Column x5 reaches 2"):
        small(VAETransformer, likelihood=Bernoulli()).fit(changed(digits, 2.0))


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("sample", {"n_samples": 0}),
        ("log_likelihood", {"n_samples": 0}),
        ("log_likelihood", {"method": "exact"}),
    ],
)
def test_an_invalid_argument_is_named(method, arguments, digits):
    estimator = small(VAETransformer).fit(digits)
    data = {} if method == "sample" else {"X": digits}
    name = next(iter(arguments))
    with pytest.raises(ValueError, match=f"The '{name}' parameter"):
        getattr(estimator, method)(**data, **arguments)


class Exploding(nn.Module):
    """A body that returns NaN from its n-th use in training onwards."""

    def __init__(self, n_in, n_batches):
        super().__init__()
        self.linear = nn.Linear(n_in, 4)
        self.n_batches = n_batches

    def forward(self, x):
        self.n_batches -= self.training
        return self.linear(x) * (torch.nan if self.n_batches < 0 else 1.0)


class InfiniteInAnswers(nn.Linear):
    """A body that returns infinity outside of training."""

    def __init__(self, n_in):
        super().__init__(n_in, 4)

    def forward(self, x):
        return super().forward(x) if self.training else torch.full((len(x), 4), np.inf)


def exploding(estimator):
    """Return the `Exploding` bodies of a fitted estimator."""
    return [m for m in estimator.module_.modules() if isinstance(m, Exploding)]


@pytest.mark.parametrize("cls", having("encoder"))
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_non_finite_loss_keeps_the_epoch_before(cls, early_stopping, digits):
    params = {"batch_size": 50, "early_stopping": early_stopping}
    whole = small(cls, encoder=lambda n_in: Exploding(n_in, 1000), **params)
    left = min(body.n_batches for body in exploding(fit(whole, digits)))
    used = 1000 - left  # in 2 epochs of 4 batches
    n_batches = used + 2 * used // 8
    broken = small(
        cls, encoder=lambda n_in: Exploding(n_in, n_batches), **params
    ).set_params(max_epochs=9)
    with pytest.raises(FloatingPointError, match="batch 3 of epoch 3") as caught:
        fit(broken, digits)
    assert "'reconstruction'" in str(caught.value)
    assert broken.n_iter_ == 2
    for body in exploding(broken):
        body.n_batches = 1000
    np.testing.assert_array_equal(broken.transform(digits), whole.transform(digits))


def test_weights_broken_by_an_epochs_last_step_are_found_in_that_epoch(digits):
    def infinite_gradient(module):
        module.linear.weight.register_hook(lambda g: g * torch.inf)
        return module

    encoder = infinite_gradient(Exploding(64, 1000))
    estimator = small(AETransformer, encoder=lambda n_in: encoder, batch_size=200)
    with pytest.raises(FloatingPointError, match=r"'weights'.*last step of epoch 1"):
        estimator.fit(digits)
    assert not hasattr(estimator, "net_")


def test_a_non_finite_held_out_bound_is_an_error(digits):
    X = digits.copy()
    held_out = HoldOut(0.1, 0)(Rows(X, "cpu", torch.float32))[1].index
    estimator = small(VAETransformer, likelihood=Gaussian(scale=1.0, mean="sigmoid"))
    estimator.set_params(early_stopping=True).fit(X)
    X[:, 0] = 3e30  # finite, but its square is not
    rows = Rows(X, "cpu", torch.float32).subset(held_out)
    with pytest.raises(FloatingPointError, match="held-out rows"):
        estimator.net_.run_single_epoch(rows, False, "valid", None)


def test_a_fit_whose_answers_are_not_finite_is_undone(digits):
    estimator = small(VAETransformer).fit(digits)
    before = estimator.transform(digits)
    with pytest.raises(FloatingPointError, match="not finite"):
        estimator.set_params(encoder=InfiniteInAnswers, batch_size=2).fit(digits)
    estimator.set_params(encoder=None, batch_size=200)
    np.testing.assert_array_equal(estimator.transform(digits), before)


def test_too_high_a_learning_rate_is_reported_and_survived(digits):
    estimator = small(VAETransformer, likelihood=Poisson(), lr=1e30, max_epochs=5)
    counts = np.round(16 * digits)
    with pytest.raises(FloatingPointError, match="lower lr"):
        estimator.fit(counts)
    assert np.isfinite(
        estimator.set_params(lr=1e-3).fit(counts).transform(counts)
    ).all()


@pytest.mark.parametrize("cls", [VAETransformer, AETransformer])
@pytest.mark.parametrize("value", [1e39, -1e300])
def test_a_value_beyond_single_precision_names_its_cell(cls, value, digits):
    estimator = small(cls).fit(digits)
    X = digits.astype(float)
    X[3, 2] = value
    message = r"Row 3 of column x2 is .*, beyond the range of float32"
    for ask in (estimator.transform, estimator.score, estimator.fit):
        with pytest.raises(ValueError, match=message):
            ask(X)
    assert np.isfinite(estimator.transform(digits)).all()
    if value == 1e39:
        with pytest.warns(SkvaeDataWarning, match="One scale serves all columns"):
            double = small(cls, dtype="float64").fit(X)
        assert np.isfinite(double.transform(X)).all()
