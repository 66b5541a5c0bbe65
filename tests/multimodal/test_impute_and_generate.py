"""Imputing missing blocks, and generating one modality given the others."""

import tracemalloc

import numpy as np
import pytest

from multimodal.modality_models import (
    BLOCKS,
    N_PIXELS,
    each_model,
    fitted,
    fitted_to_three,
    trained,
)


@each_model
def test_imputing_keeps_observed_values(model, holed, whole):
    estimator = fitted(model)
    filled = estimator.impute(holed)
    is_observed = ~np.isnan(holed)
    np.testing.assert_array_equal(filled[is_observed], holed[is_observed])
    assert np.isfinite(filled).all()
    assert (filled[2::4, :16] >= 0).all()
    assert (filled[2::4, :16] <= 1).all()
    assert np.isin(filled[1::4, 16:], [0, 1]).all()
    assert (filled[1::4, 16:].sum(1) == 1).all()
    nothing_to_do = estimator.impute(whole)
    np.testing.assert_array_equal(nothing_to_do, whole)
    assert nothing_to_do is not whole
    np.testing.assert_array_equal(estimator.impute(holed), filled)
    assert not np.array_equal(estimator.impute(holed, n_samples=3), filled)


@each_model
def test_generation_ignores_a_rows_own_target(model, holed, whole):
    estimator = fitted(model)
    hidden = whole.copy()
    hidden[:, BLOCKS["image"]] = np.nan
    np.testing.assert_array_equal(
        estimator.generate(whole, "image", n_samples=2, random_state=0),
        estimator.generate(hidden, "image", n_samples=2, random_state=0),
    )


def differ(one, other):
    """Return the distance of the means of draws in standard errors, (D,)."""
    error = np.sqrt(one.var(0) / len(one) + other.var(0) / len(other))
    return np.abs(one.mean(0) - other.mean(0)) / (error + 1 / len(one))


@pytest.mark.parametrize("model", ["experts", "iterated"])
def test_draws_depend_on_their_rows(model, whole):
    estimator, given = trained(model), whole[[3, 8]]

    def draw(rows, seed, **how):
        return estimator.generate(
            rows, "image", n_samples=1500, random_state=seed, **how
        )

    means, drawn = draw(given, 0, mean=True), draw(given, 1)
    assert drawn.shape == (1500, 2, N_PIXELS)
    assert set(np.unique(drawn)) == {0, 1}
    for row in range(2):
        assert differ(drawn[:, row], means[:, row]).max() < 5
        assert differ(draw(given[[row]], 2, mean=True)[:, 0], means[:, row]).max() < 5
    assert differ(means[:, 0], means[:, 1]).max() > 10
    np.testing.assert_array_equal(drawn, draw(given, 1))


@each_model
def test_other_blocks_may_be_missing_while_one_is_generated(model, three):
    estimator = fitted_to_three(model)
    without_kind = three[[0, 1, 2]]  # complete, without visits, without body
    drawn = estimator.generate(without_kind, "kind", n_samples=2, random_state=0)
    assert drawn.shape == (2, 3, 2)
    assert set(drawn[..., 0].ravel()) <= {7, 8}
    with pytest.raises(ValueError, match="Row 6 has nothing but 'visits'"):
        estimator.generate(three[:7], "visits")
    with pytest.raises(ValueError, match="Row 3 has nothing but 'body', 'visits', wh"):
        estimator._hide(three, "body", "visits")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, X: m.generate(X, "sound"), "among {'image', 'label'}. Got 'sound'"),
        (lambda m, X: m.generate(X, 0), "'modality' parameter of JMVAETransformer"),
        (lambda m, X: m.generate(X, "image", n_samples=0), "'n_samples' parameter"),
        (lambda m, X: m.generate(X, "image", n_samples=1.5), "'n_samples' parameter"),
        (lambda m, X: m.impute(X, n_samples=0), "'n_samples' parameter .*impute"),
        (lambda m, X: m.impute(X[:, 1:]), "25 features"),
    ],
)
def test_invalid_arguments_are_named(call, message, whole):
    with pytest.raises(ValueError, match=message):
        call(fitted("experts"), whole)


@pytest.mark.parametrize("value", [np.nan, -3.0])
def test_generate_does_not_validate_the_target(value, whole):
    table = whole.copy()
    table[2, 5] = value
    np.testing.assert_array_equal(
        fitted("experts").generate(table, "image", random_state=0),
        fitted("experts").generate(whole, "image", random_state=0),
    )


def test_repeated_rows_are_copied_slice_by_slice(holed):
    tracemalloc.start()
    fitted("experts").generate(holed[:4:3], "label", n_samples=20_000, random_state=0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40_000 * holed[0].nbytes
