"""Likelihoods and networks of individual modalities."""

import numpy as np
import pytest
from saved import assert_same_answers, through_file
from sklearn.compose import make_column_selector
from torch import nn

from multimodal.modality_models import MODELS, N_PIXELS, PIXELS, each_model, make
from skvae.distributions import Bernoulli, Gaussian

HALVES = [(Bernoulli(), slice(0, 8)), (Gaussian(mean="sigmoid"), slice(8, 16))]
PARTS = {
    "positions": HALVES,
    "names": [("bernoulli", PIXELS[:8]), ("gaussian", PIXELS[8:])],
    "one": [("bernoulli", slice(None))],
}


@pytest.mark.parametrize(
    ("model", "parts"),
    [("experts", "names"), ("experts", "one"), *((m, "positions") for m in MODELS)],
)
def test_a_modality_may_be_of_mixed_type(model, parts, frame, tmp_path):
    likelihood = {"image": PARTS[parts], "label": [("categorical", slice(0, 10))]}
    estimator = make(model, likelihood=likelihood).fit(frame)
    other = through_file(estimator, tmp_path / "model")
    assert_same_answers(estimator, other, frame)
    np.testing.assert_array_equal(estimator.impute(frame), other.impute(frame))


def own(n_in):
    return nn.Sequential(nn.Linear(n_in, 6), nn.Tanh())


@each_model
def test_some_modalities_may_have_own_networks(model, holed, tmp_path):
    given = nn.Linear(N_PIXELS, 5)
    encoder, decoder = {"image": given, "label": None}, {"label": own}
    estimator = make(model, encoder=encoder, decoder=decoder).fit(holed)
    image, label = estimator.module_.modalities
    assert isinstance(image.encoder, nn.Linear)
    assert image.encoder is not given
    assert label.decoder[0].out_features == 6
    for expert in estimator.module_.experts[:1]:  # a separate copy of the same layers
        assert isinstance(expert[0], nn.Linear)
        assert expert[0] is not image.encoder
    path = tmp_path / "model"
    estimator.save(path)
    with pytest.raises(ValueError, match="without the parameters decoder, encoder"):
        through_file(estimator, path)
    other = through_file(estimator, path, encoder=encoder, decoder=decoder)
    assert_same_answers(estimator, other, holed)


def test_parts_of_a_modality_may_be_given_by_selectors(frame):
    parts = [
        ("bernoulli", make_column_selector("^p[0-7]$")),
        ("gaussian", make_column_selector("^p(?:[89]|1.)$")),
    ]
    make("experts", likelihood={"image": parts, "label": "categorical"}).fit(frame)
