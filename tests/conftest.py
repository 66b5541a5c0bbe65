"""Use one torch thread, as a joblib worker does, so that results are bit-equal."""

import pytest
import torch
from plots import fit_pipeline
from sklearn.datasets import load_digits

from skvae.autoencoders import Start
from skvae.multimodal._starts import StartOfModalities

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def digits():
    """200 digits of 64 pixels in [0, 1]."""
    return load_digits().data[:200] / 16


@pytest.fixture(scope="session")
def pipeline():
    """A fitted pipeline for the displays: scaler, VAE and classifier."""
    return fit_pipeline()


def pytest_collection_modifyitems(items):
    """Run the longest tests first, so that no worker waits for them at the end."""
    items.sort(key=lambda item: "untouched_default" not in item.name)


@pytest.fixture
def closed_form(monkeypatch):
    """Begin training at the closed form itself, without more noise."""
    for cls in (Start, StartOfModalities):

        def at_best(self, module, batch, wide, start=cls._start):
            start(self, module, batch, False)

        monkeypatch.setattr(cls, "_start", at_best)
