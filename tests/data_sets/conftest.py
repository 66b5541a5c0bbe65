"""No test reads local data or downloads anything."""

import pytest

from skvae.datasets import _faces, _sources


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch):
    """Keep the machine's own data away, and the network."""

    def unexpected(**settings):
        raise AssertionError("nothing is to be downloaded")

    monkeypatch.delenv("SKVAE_DATA", raising=False)
    monkeypatch.setattr(_sources, "fetch_openml", unexpected)
    monkeypatch.setattr(_faces, "fetch_olivetti_faces", unexpected)
