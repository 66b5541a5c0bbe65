"""Tables that a test may modify, and models with the weights of the truth."""

import pandas as pd
import pytest

from multimodal.gaussian_truth import TRUTH, at_the_truth
from multimodal.modality_models import HOLED, LABELS, PIXELS, THREE, WHOLE, WHOLE_THREE


@pytest.fixture
def whole():
    return WHOLE.copy()


@pytest.fixture
def holed():
    return HOLED.copy()


@pytest.fixture
def frame():
    return pd.DataFrame(HOLED.copy(), columns=PIXELS + LABELS)


@pytest.fixture
def whole_three():
    return WHOLE_THREE.copy()


@pytest.fixture
def three():
    return THREE.copy()


@pytest.fixture(scope="module")
def X():
    return TRUTH.sample(400, seed=1)


@pytest.fixture(scope="module")
def experts(X):
    return at_the_truth(X)


@pytest.fixture(scope="module")
def iterated(X):
    return at_the_truth(X, alpha=0.0, n_iterations=30)
