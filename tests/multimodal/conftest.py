"""Tables that a test may change."""

import pandas as pd
import pytest
from modality_models import HOLED, LABELS, PIXELS, THREE, WHOLE, WHOLE_THREE


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
