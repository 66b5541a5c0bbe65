"""Error messages name the display and its parameter."""

import numpy as np
import pytest
from plots import PICTURE, SMALL, Linear, X, Y
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

from skvae import AETransformer
from skvae.plotting import (
    LatentMapDisplay,
    ManifoldDisplay,
    ReconstructionDisplay,
    SampleDisplay,
    TrainingCurvesDisplay,
    TraversalDisplay,
)

WRONG = {
    "image_shape: too small": (
        lambda m: ReconstructionDisplay.from_estimator(m, X, image_shape=(8, 7)),
        r"'image_shape' .* \(8, 7\), which has 56 values, but .* 64 columns",
    ),
    "image_shape: two channels": (
        lambda m: SampleDisplay.from_estimator(m, image_shape=(2, 4, 8)),
        "'image_shape' .* 1, 3 or 4 channels",
    ),
    "image_shape: an int": (
        lambda m: ManifoldDisplay.from_estimator(m, image_shape=64),
        "'image_shape' .* must be a tuple",
    ),
    "columns": (
        lambda m: ReconstructionDisplay.from_estimator(m, X, columns=[64]),
        "Column 64 is out of range",
    ),
    "n_samples: pictures": (
        lambda m: ReconstructionDisplay.from_estimator(m, X, n_samples=0),
        "'n_samples' .* of ReconstructionDisplay",
    ),
    "n_samples: draws": (
        lambda m: SampleDisplay.from_estimator(m, n_samples=2.5),
        "'n_samples' .* of SampleDisplay",
    ),
    "decode_params": (
        lambda m: SampleDisplay.from_estimator(m, decode_params=[1]),
        "'decode_params' .* a dict",
    ),
    "im_kw": (
        lambda m: SampleDisplay.from_estimator(m, im_kw="gray", **PICTURE),
        "'im_kw' .* a dict",
    ),
    "max_columns": (
        lambda m: SampleDisplay.from_estimator(m, max_columns=0),
        "'max_columns' .* of SampleDisplay",
    ),
    "n_values": (
        lambda m: ManifoldDisplay.from_estimator(m, n_values=1),
        "'n_values' .* of ManifoldDisplay",
    ),
    "at": (
        lambda m: ManifoldDisplay.from_estimator(m, at=[0.0]),
        r"'at' .* shape \(3,\)",
    ),
    "latents: one": (
        lambda m: ManifoldDisplay.from_estimator(m, latents=[1]),
        "'latents' .* 2 different ints from -3 to 2",
    ),
    "latents: the same": (
        lambda m: ManifoldDisplay.from_estimator(m, latents=[1, -2]),
        "'latents' .* of ManifoldDisplay",
    ),
    "latents: too large": (
        lambda m: TraversalDisplay.from_estimator(m, latents=[3]),
        "'latents' .* of TraversalDisplay",
    ),
    "values: one": (
        lambda m: TraversalDisplay.from_estimator(m, values=1),
        "'values' .* of TraversalDisplay",
    ),
    "values: falling": (
        lambda m: TraversalDisplay.from_estimator(m, values=[1.0, 0.0]),
        "'values' .* increasing",
    ),
    "max_latents": (
        lambda m: TraversalDisplay.from_estimator(m, max_latents=0),
        "'max_latents' .* of TraversalDisplay",
    ),
    "reduction": (
        lambda m: LatentMapDisplay.from_estimator(m, X, reduction="umap"),
        "'reduction' .* {'pca', 'tsne'}, a transformer or None",
    ),
    "reduction: to a line": (
        lambda m: LatentMapDisplay.from_estimator(m, X, reduction=PCA(1)),
        "'reduction' .* at least two columns",
    ),
    "max_points": (
        lambda m: LatentMapDisplay.from_estimator(m, X, max_points=0),
        "'max_points' .* of LatentMapDisplay",
    ),
    "class_labels": (
        lambda m: LatentMapDisplay.from_estimator(m, X, Y, class_labels="mean"),
        "'class_labels' .* {'legend', 'median'} or None",
    ),
    "y": (
        lambda m: LatentMapDisplay.from_estimator(m, X, Y[:3]),
        r"'y' .* shape \(150,\).* shape \(3,\)",
    ),
    "one latent": (
        lambda m: LatentMapDisplay.from_estimator(PCA(1).fit(X), X),
        "at least two latents",
    ),
    "which": (
        lambda m: TrainingCurvesDisplay.from_estimator(m, which="loss"),
        "'which' .* \\['beta', 'kl', 'reconstruction', 'train_loss', 'valid_loss'\\]",
    ),
    "feature_names": (
        lambda m: SampleDisplay(X, feature_names=["a"]).plot(),
        "'feature_names' .* 1 names for 64 columns",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_parameters_are_named(name, pipeline):
    plot, message = WRONG[name]
    with pytest.raises(ValueError, match=message):
        plot(pipeline)


@pytest.mark.parametrize(
    ("plot", "message"),
    [
        (SampleDisplay.from_estimator, "that can transform"),
        (TrainingCurvesDisplay.from_estimator, "needs an skvae estimator"),
        (ManifoldDisplay.from_estimator, "that can transform"),
        (lambda m: LatentMapDisplay.from_estimator(m, X), "that can transform"),
    ],
)
def test_a_model_that_cannot_is_refused(plot, message):
    classifier = LogisticRegression(max_iter=1000).fit(X, Y)
    with pytest.raises(TypeError, match=message):
        plot(classifier)


def test_a_model_that_does_not_say_how_many_latents_it_has_is_refused():
    class Mute(Linear):
        get_feature_names_out = None

    with pytest.raises(TypeError, match="with get_feature_names_out, to count"):
        TraversalDisplay.from_estimator(Mute(np.eye(2)))


def test_a_model_without_prior_has_no_samples():
    ae = AETransformer(2, **SMALL).fit(X)
    with pytest.raises(TypeError, match="needs a model with a prior to sample"):
        SampleDisplay.from_estimator(ae)
