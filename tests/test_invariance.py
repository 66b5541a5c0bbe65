"""The weight of I(S; Z), and the classifier that estimates it."""

import numpy as np
import pytest
import torch
from instances import small
from scipy.integrate import quad
from scipy.stats import norm

from skvae import CVAETransformer, TaskInvariantVAETransformer
from skvae.conditional._task_classifier import TaskClassifier
from skvae.datasets import linear_posterior_information, make_task_gaussians
from skvae.inputs import Given
from skvae.metrics import task_information
from skvae.training import FusedAdam, Rows, Table

each_class = pytest.mark.parametrize(
    "cls", [CVAETransformer, TaskInvariantVAETransformer]
)
N_ROWS = 20_000


def estimated(z, condition, n_levels, steps=400):
    """Return the bound on I(S; Z) in new rows of a classifier trained on the others."""
    torch.manual_seed(0)
    z, half = torch.from_numpy(z).float(), len(z) // 2
    classifier = TaskClassifier(z.shape[1], n_levels, condition.shape[1])
    classifier.begin(Rows(Table(z.numpy(), condition), "cpu", torch.float32))
    condition = torch.from_numpy(condition).float()
    optimizer = FusedAdam(classifier.parameters(), lr=1e-3)
    for _ in range(steps):
        rows = torch.randint(half, (500,))
        (loss,) = classifier.losses(z[rows][None], condition[rows])
        optimizer.zero_grad()
        loss.mean().backward()
        optimizer.step()
    with torch.no_grad():
        return classifier.eval()(z[half:], condition[half:]).mean().item()


def information_of_a_mixture(distance, share):
    """I(S; Z) for z | s ~ N(s * distance, 1), where P(S = 1) = share."""

    def integrand(z):
        parts = norm.pdf(z, [0, distance]) * [1 - share, share]
        return np.sum(parts * np.log(norm.pdf(z, [0, distance]) / parts.sum()))

    return quad(integrand, -8, 8 + distance)[0]


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_two_levels_have_the_information_of_their_mixture(share):
    random = np.random.default_rng(0)
    s = (random.random(N_ROWS) < share).astype(int)
    z = random.normal(size=(N_ROWS, 2))
    z[:, 0] += 2 * s
    found = estimated(z, np.eye(2)[s], [2])
    assert found == pytest.approx(information_of_a_mixture(2, share), abs=0.015)


def test_several_conditions_add_up():
    random = np.random.default_rng(0)
    s, t = random.integers(2, size=(2, N_ROWS))
    z = random.normal(size=(N_ROWS, 2)) + np.column_stack([2 * s, 3 * t])
    found = estimated(z, np.hstack([np.eye(2)[s], np.eye(2)[t]]), [2, 2])
    expected = information_of_a_mixture(2, 0.5) + information_of_a_mixture(3, 0.5)
    assert found == pytest.approx(expected, abs=0.03)


def test_numbers_have_the_information_of_correlated_normals():
    random = np.random.default_rng(0)
    z = random.normal(size=(N_ROWS, 2))
    s = 3 * z[:, [0]] + 4 * random.normal(size=(N_ROWS, 1)) + 100
    expected = -0.5 * np.log(1 - 0.6**2)
    found = estimated(z, (s - 100), None, steps=1500)
    assert found == pytest.approx(expected, abs=0.02)


@each_class
def test_without_a_weight_there_is_no_classifier(cls, digits):
    task = np.arange(200) % 2
    names = small(cls).fit(digits, condition=task).module_.state_dict()
    assert not any("classifier" in name for name in names)


@each_class
def test_a_small_weight_hardly_changes_the_model(cls, digits):
    """The classifier takes no random numbers from the weights of the model."""
    task = np.arange(200) % 2
    plain = small(cls, max_epochs=1, batch_size=200).fit(digits, condition=task)
    weighted = small(cls, max_epochs=1, batch_size=200, invariance=1e-9)
    weighted.fit(digits, condition=task)
    found = weighted.module_.state_dict()
    for name, tensor in plain.module_.state_dict().items():
        if name.startswith(("encoder", "decoder", "loc_scale")):
            assert torch.allclose(tensor, found[name], atol=1e-6), name


@each_class
def test_a_constant_condition_needs_no_classifier(cls, digits):
    plain = small(cls).fit(digits)
    weighted = small(cls, invariance=5.0).fit(digits)
    np.testing.assert_array_equal(plain.transform(digits), weighted.transform(digits))


@each_class
def test_the_weight_is_part_of_the_loss_but_not_of_the_bound(cls, digits):
    task = np.arange(200) % 2
    estimator = small(cls, invariance=3.0, max_epochs=3, early_stopping=True)
    last = estimator.fit(digits, condition=task).history_[-1]
    bound = last["reconstruction"] - last["kl"]
    expected = -bound + 3 * last["task_information"]
    assert last["train_loss"] == pytest.approx(expected, rel=1e-4)


@each_class
@pytest.mark.parametrize("value", [-1.0, "strong", None])
def test_a_weight_below_zero_is_refused(cls, value, digits):
    with pytest.raises(ValueError, match="'invariance' parameter"):
        small(cls, invariance=value).fit(digits, condition=np.arange(200) % 2)


def informations(model, truth):
    """Return I(S; Z) and I(Y; Z | S) of a linear model, where y are the true latents.

    The scales of its posteriors depend on x only a little, so their mean squares serve.
    """
    q, _ = model._distributions(truth.data, Given(truth.task))
    known = np.column_stack([truth.data, np.eye(2)[truth.task]])
    coefficients = np.linalg.lstsq(known, q.loc.numpy())[0]
    A, intercepts = coefficients[:-2].T, coefficients[-2:]
    np.testing.assert_allclose(known @ coefficients, q.loc, atol=1e-9)
    own = np.diag(q.scale.square().mean(0).numpy())  # of z given x
    given_y = own + truth.noise**2 * A @ A.T
    by_y = A @ truth.loadings
    ratio = np.linalg.solve(given_y, given_y + by_y @ by_y.T)
    exact = linear_posterior_information(truth, A, intercepts, own)
    return exact.mutual_information_task, 0.5 * np.linalg.slogdet(ratio)[1]


def test_the_weight_removes_the_task_but_not_the_latents():
    """A batch effect shifts the rows of a rare task; the latents are independent of it.

    At a low weight of the divergence, a plain CVAE keeps part of the shift.
    """
    truth = make_task_gaussians([900, 100], separation=3.0, random_state=0)
    task_part, latent_part = {}, {}
    for weight in (0.0, 10.0):
        model = CVAETransformer(
            2,
            hidden_layer_sizes=(),
            init="random",
            beta=0.1,
            invariance=weight,
            condition_weights="balanced",
            early_stopping=False,
            lr=5e-3,
            batch_size=100,
            kl_warmup=15,
            max_epochs=25,
            dtype="float64",
            random_state=0,
        ).fit(truth.data, condition=truth.task)
        task_part[weight], latent_part[weight] = informations(model, truth)
        found = task_information(model, truth.data, task=truth.task, n_rows=1000)
        assert float(found) == pytest.approx(task_part[weight], abs=0.02)
    assert task_part[0.0] > 0.08
    assert task_part[10.0] < 0.003
    assert latent_part[10.0] > 0.95 * latent_part[0.0]
    # The most that any code of x can have.
    most = truth.posterior.mutual_information_rows
    assert 0.85 * most < latent_part[10.0] < most
