"""Keep these tests from reading local data or downloading anything."""

import pytest

from skvae.datasets import _faces, _sources


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch):
    """Hide local data sets, and fail on any download."""

    def unexpected(**settings):
        raise AssertionError("a test tried to download data")

    monkeypatch.delenv("SKVAE_DATA", raising=False)
    monkeypatch.setattr(_sources, "fetch_openml", unexpected)
    monkeypatch.setattr(_faces, "fetch_olivetti_faces", unexpected)
