"""Layers of latents in the hierarchical model."""

import numpy as np
import pytest

from multimodal.modality_models import assert_same_weights, make


@pytest.mark.parametrize("widths", [(4, 3), (5, 3, 2), (3,)])
def test_top_latents_are_the_last_of_all_latents(widths, holed):
    top, every = (
        make("hierarchy", n_components=widths, layers=layers).fit(holed)
        for layers in ("top", "all")
    )
    assert_same_weights(top, every)
    Z, Z_all = top.transform(holed), every.transform(holed)
    assert Z.shape == (len(holed), widths[-1])
    assert Z_all.shape == (len(holed), sum(widths))
    np.testing.assert_array_equal(Z, Z_all[:, -widths[-1] :])
    for estimator, latents in ((top, Z), (every, Z_all)):
        X_mean = estimator.inverse_transform(latents)
        np.testing.assert_allclose(X_mean, estimator.reconstruct(holed), rtol=1e-5)
    np.testing.assert_array_equal(top.impute(holed), every.impute(holed))
    np.testing.assert_array_equal(top.score_samples(holed), every.score_samples(holed))
    names = every.get_feature_names_out()
    last = len(widths) - 1
    assert names[-1] == f"hierarchicaljmvaetransformer_layer{last}_{widths[-1] - 1}"
    assert list(top.get_feature_names_out()) == list(names[-widths[-1] :])
    assert list(top.latent_names()) == list(every.latent_names()) == list(names)


def test_an_int_means_two_layers_of_that_width(holed):
    one = make("hierarchy", n_components=3).fit(holed)
    assert_same_weights(one, make("hierarchy", n_components=(3, 3)).fit(holed))


@pytest.mark.parametrize("value", [(), 0, (3, 0), (2.5,), "2", None])
def test_invalid_layers_are_named(value, holed):
    with pytest.raises(ValueError, match="'n_components' parameter of Hierarchical"):
        make("hierarchy", n_components=value).fit(holed)


def test_an_empty_row_has_probability_one_in_a_hierarchy(holed):
    empty = holed.copy()
    empty[5] = np.nan
    estimator = make("hierarchy", empty_rows="prior", max_epochs=15).fit(empty)
    np.testing.assert_allclose(estimator.score_samples(empty)[5], 0, atol=1e-6)
