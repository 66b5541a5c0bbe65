"""Data, a small pipeline and helpers for the tests of the displays."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skvae import VAETransformer

X, Y = (array[:150] for array in load_digits(return_X_y=True))
PICTURE = {"image_shape": (8, 8)}
SMALL = {"hidden_layer_sizes": (16,), "max_epochs": 3, "random_state": 0}


def fit_pipeline():
    """Fit a scaler from [0, 16] to [0, 1], a VAE and a classifier."""
    vae = VAETransformer(3, kl_warmup=2, early_stopping=True, **SMALL)
    classifier = LogisticRegression(max_iter=1000)
    return make_pipeline(MinMaxScaler(), vae, classifier).fit(X, Y)


def decoded(pipeline, Z):
    return pipeline[0].inverse_transform(pipeline[1].inverse_transform(Z))


def encoded(pipeline, rows):
    return pipeline[:2].transform(rows)


class Linear(TransformerMixin, BaseEstimator):
    """Decode z to z W, plus an optional shift."""

    def __init__(self, W):
        self.W = W

    def fit(self, rows, y=None):
        return self

    def transform(self, rows):
        return rows @ np.linalg.pinv(self.W)

    def inverse_transform(self, Z, shift=0.0):
        return Z @ self.W + shift

    def get_feature_names_out(self, names=None):
        return [f"z{i}" for i in range(len(self.W))]

    def __sklearn_is_fitted__(self):
        return True


def cell(display, i, j, gap=1):
    """Return the pixels of one 8 x 8 picture in the mosaic."""
    whole = np.ma.filled(display.mappable_.get_array(), np.nan)
    top, left = i * (8 + gap), j * (8 + gap)
    return whole[top : top + 8, left : left + 8]
