"""Plain values keep their types in a JSON round trip; others are refused."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from saved import described
from torch import nn

from skvae.distributions import Gaussian, Poisson
from skvae.persistence import NotPlainError, Packer, Unpacker
from skvae.priors import VampPrior

CLASSES = {"Gaussian": Gaussian, "VampPrior": VampPrior, "SGD": torch.optim.SGD}
PLAIN = (
    *(None, True, False, 0, -1, 2**64 - 1, 0.1, -0.0, float("inf"), -float("inf"), ""),
    *("é\ud800", "@tuple", b"".decode(), float("nan"), 1e-320, torch.device("cuda:1")),
    *(
        [],
        (),
        {},
        [()],
        ((),),
        {1: 2, None: (3,)},
        {"@tuple": [1]},
        {"a": {"b": [1.0]}},
    ),
    *(slice(None), slice(1, -1, 2), slice("a", "b"), [("gaussian", slice(3))]),
    *(np.bool_(True), np.float32(0.1), np.float64("nan"), np.int8(-3), np.str_("a")),
    *(np.arange(3), np.array(2.5), np.zeros((0, 2), np.float32), np.array([True])),
    *(np.array(["a", "bc"]), np.array(["a", "bc"], dtype=object), np.arange(4)[::-2]),
    *(np.random.RandomState(3), Gaussian(scale=(1, 2.0)), torch.optim.SGD),
    {"a.b": np.arange(2), "a": {"b": np.arange(3)}},
    [(VampPrior(n_pseudo_inputs=3), np.array([0, 2])), (Gaussian(), [1])],
)


class Heavy(Gaussian):
    """A class that is not in the table of allowed classes."""


def round_trip(value):
    packer = Packer(CLASSES)
    packed = packer.pack(value, "value")
    return Unpacker(CLASSES, packer.tensors).unpack(packed)


def kind(value):
    """Return a test id without addresses, which differ between processes."""
    return type(value).__name__


@pytest.mark.parametrize("value", PLAIN, ids=kind)
def test_plain_values_keep_their_types(value):
    assert described(round_trip(value)) == described(value)


ATOMS = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats()
KEYS = st.sampled_from(["a", "a.a", "@dict", "", 1, None])
NESTED = st.recursive(
    ATOMS | st.text(max_size=5) | st.just(np.arange(3)),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(KEYS, inner, max_size=3)
    ),
    max_leaves=10,
)


@settings(derandomize=True, deadline=None, max_examples=50)
@given(NESTED)
def test_any_nesting_of_plain_values_keeps_its_types(value):
    assert described(round_trip(value)) == described(value)


@pytest.mark.parametrize(
    "value",
    [
        *(object(), print, lambda: 0, {1}, b"a", 1j, 2**64, np.complex64(1), nn.ELU()),
        *(np.array([object()]), np.array([[1, "a"]], object), np.array([1j]), range(3)),
        *(np.array([1], np.uint32), np.datetime64("2000"), Heavy(), Poisson(), dict),
        np.random.RandomState(np.random.PCG64(0)),
    ],
    ids=kind,
)
def test_other_values_are_refused(value):
    with pytest.raises(NotPlainError, match="value"):
        Packer(CLASSES).pack([value], "value")


@pytest.mark.parametrize(
    ("packed", "message"),
    [
        ({"@code": "1 + 1"}, "an unknown kind, @code"),
        ({"@tuple": [], "a": 1}, "an unknown kind, @tuple"),
        (2**64, "too large"),
        ({"@array": "x"}, "lacks the tensor 'x'"),
        ([{"@tensor": "there"}, {"@tensor": "there"}], "or uses it twice"),
        ({"@numpy": ["object", 1]}, "an unknown kind, object"),
        ({"@strings": ["O", [1]]}, "strings that are not all strings"),
        ({"@RandomState": [[1] * 624, 625, 0, 0.0]}, "invalid RandomState"),
        ({"@RandomState": [[1] * 623, 3, 0, 0.0]}, "invalid RandomState"),
    ],
)
def test_data_that_no_packer_writes_are_refused(packed, message):
    with pytest.raises(ValueError, match=message):
        Unpacker(CLASSES, {"there": torch.ones(1)}).unpack(packed)


@pytest.mark.parametrize("tag", ["@class", "@object"])
def test_only_classes_in_the_table_are_found(tag):
    packed = {tag: "Codes" if tag == "@class" else ["Codes", {}]}
    with pytest.raises(KeyError, match="Codes"):
        Unpacker(CLASSES, {}).unpack(packed)
