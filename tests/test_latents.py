"""Tests of information in the latents against closed forms."""

import math
import pickle

import numpy as np
import pytest
import torch
from instances import small
from numpy.testing import assert_allclose
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skvae import (
    AETransformer,
    CMMATransformer,
    CVAETransformer,
    VAETransformer,
)
from skvae.distributions import (
    Noise,
    Normal,
    NormalMixture,
    StandardNormal,
    kl,
    marginal_kl,
)
from skvae.exceptions import SkvaeCollapseWarning
from skvae.metrics import (
    WarnOfCollapse,
    active_units,
    diagnose,
    mutual_information,
    n_active_units,
    prior_gap,
)
from skvae.metrics._mutual_information import _information


def normals(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


def found(q, seed=1):
    return _information(q, StandardNormal(q.mean), q.sample(Noise.from_seed(seed)))


def test_information_of_a_gaussian_channel_has_a_closed_form():
    # x ~ N(0, 1), z | x ~ N(a x, s²): I = ½ ln(1 + a²/s²), q(z) = N(0, a² + s²).
    a, s = np.array([0.5, 2.0, 0.0]), np.array([1.0, 0.5, 1.0])
    x = normals(4000, 3)
    result = found(Normal(torch.from_numpy(a) * x, torch.from_numpy(s).expand(4000, 3)))
    truth = 0.5 * np.log1p(a**2 / s**2)
    variance = a**2 + s**2
    gap = 0.5 * (variance - 1 - np.log(variance))
    assert_allclose(result.marginal_information, truth, atol=0.03)
    assert_allclose(result.marginal_kl, truth + gap, atol=0.07)
    assert result.lower < truth.sum() + 0.03
    assert result.upper > truth.sum() - 0.03
    assert_allclose([result.lower, result.upper], truth.sum(), atol=0.06)


def test_bounds_enclose_the_true_value_for_few_rows():
    a, s, n = 3.0, 0.3, 20
    truth = 2 * 0.5 * math.log1p(a**2 / s**2)  # 4.6 nats, above ln 20
    q = [Normal(a * normals(n, 2, seed=i), torch.full((n, 2), s)) for i in range(50)]
    lower, upper = np.mean(
        [(found(each).lower, found(each).upper) for each in q], axis=0
    )
    assert lower < math.log(n) + 0.05 < truth < upper


def test_information_of_distant_posteriors_is_log_n():
    n = 50
    q = Normal(1e3 * torch.arange(n).double()[:, None], torch.ones(n, 1).double())
    assert_allclose(found(q).lower, math.log(n), rtol=1e-9)


def test_equal_posteriors_have_no_information():
    q = Normal(torch.full((30, 2), 0.7).double(), torch.ones(30, 2).double())
    result = found(q)
    assert_allclose(result.marginal_information, 0, atol=1e-12)
    assert_allclose(result.marginal_kl, 0.5 * 0.7**2)
    assert_allclose([result.lower, result.upper], 0, atol=1e-12)


def test_slices_of_rows_do_not_change_the_result(monkeypatch):
    q = Normal(normals(70, 2), torch.full((70, 2), 0.5).double())
    whole = found(q)
    monkeypatch.setattr("skvae.metrics._mutual_information.CHUNK_ELEMENTS", 1000)
    for one, other in zip(found(q), whole, strict=True):
        assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize(
    "p",
    [
        StandardNormal(normals(40, 3)),
        Normal(normals(40, 3, seed=2), normals(40, 3, seed=3).exp()),
        NormalMixture(normals(5, 3, seed=4), normals(5, 3, seed=5).exp(), 40),
    ],
    ids=lambda p: type(p).__name__,
)
def test_marginal_kl_is_the_kl_of_each_latent_alone(p):
    q = Normal(normals(40, 3), (0.3 * normals(40, 3, seed=6)).exp())
    z = q.sample(Noise.from_seed(0))
    for k in range(3):
        alone = {
            StandardNormal: lambda k: StandardNormal(z[:, k : k + 1]),
            Normal: lambda k: Normal(p.loc[:, k : k + 1], p.scale[:, k : k + 1]),
            NormalMixture: lambda k: NormalMixture(
                p.loc[:, k : k + 1], p.scale[:, k : k + 1], 40
            ),
        }[type(p)](k)
        one = Normal(q.loc[:, k : k + 1], q.scale[:, k : k + 1])
        expected = kl(one, alone, z[:, k : k + 1])
        torch.testing.assert_close(marginal_kl(q, p, z)[:, k], expected)


def test_divergence_is_information_plus_gap(digits):
    vae = small(VAETransformer, n_components=3).fit(digits)
    table = diagnose(vae, digits)
    assert_allclose(table["kl"], table["mutual_information"] + table["gap"])
    attrs = table.attrs
    assert_allclose(attrs["kl"], table["kl"].sum(), rtol=1e-5)
    low, high = attrs["mutual_information"]
    assert_allclose(attrs["gap"], (attrs["kl"] - high, attrs["kl"] - low))
    assert mutual_information(vae, digits) == low
    assert mutual_information(vae, digits, bound="upper") == high
    assert (prior_gap(vae, digits), prior_gap(vae, digits, bound="upper")) == attrs[
        "gap"
    ]


def test_kl_equals_the_recorded_one(digits):
    # With a negligible step, the recorded divergence is that of the fitted weights.
    vae = small(VAETransformer, n_components=3, lr=1e-12).fit(digits)
    recorded = vae.history_[-1, "kl"]
    assert_allclose(diagnose(vae, digits).attrs["kl"], recorded, rtol=1e-4)


def test_model_inside_a_pipeline_and_a_search(digits):
    vae = small(VAETransformer, n_components=2)
    pipeline = make_pipeline(MinMaxScaler(), vae, LogisticRegression())
    search = GridSearchCV(pipeline, {"vaetransformer__beta": [1.0]}, cv=2)
    search.fit(digits * 7, np.arange(len(digits)) % 2)
    rows = search.best_estimator_[0].transform(digits * 7)
    inside = diagnose(search.best_estimator_["vaetransformer"], rows)
    assert diagnose(search, digits * 7).equals(inside)
    assert list(inside.index) == ["vaetransformer0", "vaetransformer1"]


def test_seed_determines_the_subsample(digits):
    vae = small(VAETransformer).fit(digits)
    state = np.random.get_state()[1].copy(), torch.random.get_rng_state()
    one, same, other = (
        diagnose(vae, digits, n_rows=50, random_state=s) for s in (1, 1, 2)
    )
    assert one.equals(same)
    assert not one.equals(other)
    assert (np.random.get_state()[1] == state[0]).all()
    assert (torch.random.get_rng_state() == state[1]).all()


@pytest.mark.parametrize("metric", [n_active_units, mutual_information, prior_gap])
def test_metrics_are_scorers(metric, digits):
    found = cross_validate(small(VAETransformer), digits, scoring={"m": metric}, cv=2)
    assert np.isfinite(found["test_m"]).all()


def test_summary_of_collapsed_and_active_latents(digits):
    vae = small(VAETransformer, n_components=3, likelihood="bernoulli")
    collapsed = diagnose(vae.set_params(beta=1e4, max_epochs=30).fit(digits), digits)
    assert "no latent is active" in repr(collapsed)
    assert "no latent is active" in collapsed._repr_html_()
    free = diagnose(vae.set_params(beta=1e-3, max_epochs=300).fit(digits), digits)
    assert "All 3 latents are active" in repr(free)
    assert "larger n_rows" in repr(free)
    assert "active" not in repr(free[["kl"]])  # no summary of a selection


def test_summary_mentions_a_large_gap_to_the_prior(digits):
    vae = small(VAETransformer, n_components=2).fit(digits)
    before = diagnose(vae, digits)
    assert "nats from the prior" not in repr(before)
    mean = vae.transform(digits)[:, 0].mean()
    with torch.no_grad():
        vae.module_.loc_scale.linear.bias[0] += 3.0
    table = diagnose(vae, digits)
    # I is unchanged; the divergence grows by the mean of (μ + 3)²/2 − μ²/2.
    farther = table.attrs["gap"][0] - before.attrs["gap"][0]
    assert_allclose(farther, 4.5 + 3 * mean, atol=0.05)
    assert "nats from the prior: samples fall where" in repr(table)


def test_summary_names_collapsed_latents(digits):
    vae = small(VAETransformer, n_components=3).fit(digits)
    with torch.no_grad():
        vae.module_.loc_scale.linear.weight[1] = 0.0  # constant mean
    table = diagnose(vae, digits)
    assert list(table["active"]) == [True, False, True]
    assert "2 of 3 latents are active; vaetransformer1 has collapsed." in repr(table)


def test_active_units_compares_variances():
    Z = np.array([[0.0, 0.0, 5.0], [1.0, 0.1, 5.0]])  # variances 1/4, 1/400, 0
    assert list(active_units(Z)) == [True, False, False]
    assert list(active_units(Z, threshold=0.002)) == [True, True, False]
    assert n_active_units(small(VAETransformer).fit(Z), Z, threshold=1e9) == 0


@pytest.mark.parametrize("model", [AETransformer, PCA])
def test_models_without_a_posterior_are_refused(model, digits):
    estimator = model(2).fit(digits) if model is PCA else small(model).fit(digits)
    with pytest.raises(TypeError, match="needs"):
        diagnose(estimator, digits)


def test_too_few_rows_and_unfitted_models(digits):
    vae = small(VAETransformer)
    with pytest.raises(NotFittedError):
        diagnose(vae, digits)
    with pytest.raises(ValueError, match="needs at least 2 rows"):
        diagnose(vae.fit(digits), digits[:1])
    found = diagnose(vae, digits[:2]).attrs
    assert found["mutual_information"][0] <= found["mutual_information"][1]
    assert found["gap"][0] >= 0


@pytest.mark.parametrize("wrong", [[[np.nan]], [1.0, 2.0], []], ids=str)
def test_active_units_needs_a_numeric_2d_array(wrong):
    with pytest.raises(ValueError, match=r"Z contains NaN|2D array"):
        active_units(wrong)


@pytest.mark.parametrize(
    "wrong", [{"n_rows": 1}, {"n_rows": 2.5}, {"threshold": -1.0}], ids=str
)
def test_invalid_arguments(wrong, digits):
    vae = small(VAETransformer).fit(digits)
    with pytest.raises(
        ValueError, match=f"{next(iter(wrong))!r} parameter of diagnose"
    ):
        diagnose(vae, digits, **wrong)
    with pytest.raises(ValueError, match="'bound' parameter of mutual_information"):
        mutual_information(vae, digits, bound="middle")


# -- conditional models ----------------------------------------------------------------


def test_condition_as_a_column_or_an_argument_is_equivalent(digits):
    task = np.arange(len(digits)) % 2
    beside = small(CVAETransformer).fit(digits, condition=task)
    table = np.column_stack([digits, task])
    inside = small(CVAETransformer, condition_columns=[-1]).fit(table)
    one, other = diagnose(beside, digits, condition=task), diagnose(inside, table)
    assert one.equals(other)
    assert one.attrs == other.attrs
    for metric in (n_active_units, mutual_information, prior_gap):
        assert metric(beside, digits, condition=task) == metric(inside, table)
    some = diagnose(beside, digits, condition=task, n_rows=50)
    assert some.equals(diagnose(inside, table, n_rows=50))


def test_a_prior_per_condition_has_no_gap(digits):
    task = np.arange(len(digits)) % 2
    cmma = small(CMMATransformer).fit(digits, condition=task)
    table = diagnose(cmma, digits, condition=task)
    assert table["gap"].isna().all()
    assert table["mutual_information"].notna().all()
    with pytest.raises(TypeError, match="same for all conditions"):
        prior_gap(cmma, digits, condition=task)


def test_condition_of_an_unconditional_model(digits):
    vae = small(VAETransformer).fit(digits)
    with pytest.raises(ValueError, match="does not take as an argument"):
        diagnose(vae, digits, condition=np.zeros(len(digits)))


# -- during training -------------------------------------------------------------------


def watched(digits, beta, **params):
    watch = WarnOfCollapse(after=2, **params)
    return small(
        VAETransformer, max_epochs=6, beta=beta, callbacks=[watch], lr=1e-2
    ).fit(digits)


def test_collapse_is_warned_about_once(digits):
    with pytest.warns(SkvaeCollapseWarning, match="of 8 latents are active") as seen:
        vae = watched(digits, beta=1e4)
    assert len(seen) == 1
    assert seen[0].filename == __file__
    assert vae.history_[-1, "active_units"] == active_units(vae.transform(digits)).sum()


def test_active_latents_are_counted_without_a_warning(digits):
    vae = watched(digits, beta=1e-2)
    last = active_units(vae.transform(digits)).sum()
    assert vae.history_[-1, "active_units"] == last > 4


def test_callback_does_not_change_the_fit(digits):
    plain = small(VAETransformer, max_epochs=6, beta=1e-2, lr=1e-2).fit(digits)
    watched_ = watched(digits, beta=1e-2)
    assert (plain.transform(digits) == watched_.transform(digits)).all()
    pickle.loads(pickle.dumps(watched_))


def test_no_warning_during_the_warmup(digits):
    watch = WarnOfCollapse(min_active=8, after=0, threshold=1e9)
    vae = small(VAETransformer, max_epochs=3, kl_warmup=3, callbacks=[watch])
    vae.fit(digits)
    with pytest.warns(SkvaeCollapseWarning, match="after epoch 4"):
        vae.set_params(max_epochs=4).fit(digits)


def test_epochs_of_partial_fit_are_counted(digits):
    watch = WarnOfCollapse(after=1, threshold=1e9)
    vae = small(VAETransformer, callbacks=[watch]).partial_fit(digits)
    with pytest.warns(SkvaeCollapseWarning, match="after epoch 2"):
        vae.partial_fit(digits)


@pytest.mark.parametrize(
    "wrong", [{"min_active": 1.5}, {"after": -1}, {"n_rows": 1}, {"threshold": -1.0}]
)
def test_invalid_parameters_of_the_callback(wrong, digits):
    watch = WarnOfCollapse(**wrong)
    with pytest.raises(ValueError, match=f"{next(iter(wrong))!r} parameter of WarnOf"):
        small(VAETransformer, callbacks=[watch]).fit(digits)
