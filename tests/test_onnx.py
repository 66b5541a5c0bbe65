"""Graphs in ONNX, answered by onnxruntime."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from instances import HALVES, fit, small
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from test_export import MIXED, answered, mixed_table
from torch import nn

from skvae import (
    CategoricalVAETransformer,
    CMMATransformer,
    JMVAETransformer,
    VAETransformer,
)
from skvae.discovery import all_estimators
from skvae.distributions import Gaussian
from skvae.export import register_converters, to_onnx
from skvae.export._conversion import onnx_of
from skvae.export._program import Answer

for name in ("onnx", "onnxscript", "skl2onnx"):
    pytest.importorskip(name)
runtime = pytest.importorskip("onnxruntime")

N_ROWS = 30
# Different kinds of graphs; the other estimators have the same operations.
KINDS = [
    (CategoricalVAETransformer, {"output": "codes"}, "transform"),
    (CMMATransformer, {"condition_columns": [3, 20]}, "reconstruct"),
    (JMVAETransformer, {"modalities": HALVES}, "transform"),
]


def run(model, **inputs):
    """Return the outputs of an ONNX model."""
    session = runtime.InferenceSession(model.SerializeToString())
    return session.run(None, inputs)


class SideBySide(nn.Module):
    """Several answers in one graph, as each conversion takes seconds."""

    def __init__(self, answers):
        super().__init__()
        self.answers = nn.ModuleList(answers)

    def forward(self, X):
        return tuple(answer(X) for answer in self.answers)

    def inputs(self):
        return self.answers[0].inputs()


class Functions(nn.Module):
    """The functions that have translations of their own, at small and large numbers."""

    def forward(self, X):
        x, y = 10 ** (10 * X[:, 20]), 1000 * X[:, 40]
        terms = torch.lgamma(x), torch.logaddexp(-y, y), torch.logaddexp(x.float(), y)
        return torch.stack([term.double() for term in terms], -1)


def test_every_kind_of_graph_answers_in_onnxruntime(digits):
    X = digits[:N_ROWS].copy()
    answers = [
        Answer(fit(small(cls, **params), X), method) for cls, params, method in KINDS
    ]
    answers.append(Functions())
    graph = onnx_of(SideBySide(answers), [str(i) for i in range(len(answers))])
    X[2, HALVES["left"]] = X[4, 40] = np.nan
    X[3, 3] = 77  # not a level of the condition
    for answer, found in zip(answers, run(graph, X=X), strict=True):
        expected = answered(answer, X)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.fixture(scope="module")
def mixed():
    """Return a fitted VAE of a mixed table with missing cells, and its density."""
    model = small(VAETransformer, likelihood=MIXED).fit(mixed_table())
    return model, to_onnx(model, "score")


def test_the_density_of_a_mixed_table(mixed):
    model, graph = mixed
    X = mixed_table(seed=1)
    X[0, 3] = 1e7  # a large count
    (found,) = run(graph, X=X)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, answered(Answer(model, "score"), X), rtol=1e-5)


WITHOUT_TORCH = """
import sys
for name in ("torch", "sklearn", "skorch", "skvae"):
    sys.modules[name] = None  # import raises
import numpy, onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1])
(found,) = session.run(None, {"X": numpy.load(sys.argv[2])})
numpy.save(sys.argv[3], found)
"""


def test_a_graph_answers_without_torch(mixed, tmp_path):
    model, graph = mixed
    X = mixed_table(seed=2)[:1]
    paths = [str(tmp_path / name) for name in ("model.onnx", "X.npy", "found.npy")]
    with open(paths[0], "wb") as file:
        file.write(graph.SerializeToString())
    np.save(paths[1], X)
    subprocess.run([sys.executable, "-c", WITHOUT_TORCH, *paths], check=True)
    expected = answered(Answer(model, "score"), X)
    np.testing.assert_allclose(np.load(paths[2]), expected, rtol=1e-5)


# -- pipelines -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def classifier(digits):
    """Return a fitted pipeline of scaler, VAE and classifier, and the classes."""
    y = np.arange(len(digits)) % 3
    steps = StandardScaler(), small(VAETransformer), LogisticRegression()
    return make_pipeline(*steps).fit(digits, y), y


def test_a_pipeline_is_converted_as_a_whole(classifier, digits):
    pipeline, _ = classifier
    labels, probabilities = run(to_onnx(pipeline), X=digits)
    assert (labels == pipeline.predict(digits)).all()
    expected = pipeline.predict_proba(digits)
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)


def test_skl2onnx_converts_a_pipeline_in_single_precision(classifier, digits):
    import skl2onnx

    register_converters()
    pipeline, X = classifier[0][:-1], digits.astype(np.float32)
    options = {id(pipeline[1]): {"method": "score", "n_samples": 4}}
    graph = skl2onnx.to_onnx(pipeline, X[:1], options=options)
    (found,) = run(graph, X=X)
    assert found.dtype == np.float32
    expected = answered(Answer(pipeline[1], "score", 4), pipeline[0].transform(X))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_score_of_a_pipeline_with_later_steps_is_refused(classifier):
    with pytest.raises(ValueError, match="steps behind the estimator"):
        to_onnx(classifier[0], "score")


def test_every_estimator_has_a_converter():
    from skl2onnx import supported_converters

    register_converters()
    assert {f"Skvae{name}" for name, _ in all_estimators()} <= {*supported_converters()}


def test_conditions_beside_the_rows_of_a_pipeline_are_refused(digits):
    import skl2onnx

    register_converters()
    model = small(CMMATransformer).fit(digits, condition=np.arange(len(digits)) % 2)
    with pytest.raises(ValueError, match="conditions beside X"):
        skl2onnx.to_onnx(model, digits[:1])


@pytest.mark.parametrize("name", ["onnxscript", "skl2onnx"])
def test_a_missing_package_is_named_with_its_extra(name, classifier, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r'pip install "skvae\[onnx\]"'):
        to_onnx(classifier[0][1] if name == "onnxscript" else classifier[0])


@pytest.mark.parametrize("transform", ["quantile", "yeo-johnson"])
def test_transformed_columns_are_refused(transform, digits):
    likelihood = Gaussian(transform=transform)
    model = small(VAETransformer, likelihood=likelihood, init="random").fit(digits)
    with pytest.raises(ValueError, match="'transform' cannot be converted to ONNX"):
        to_onnx(model)
