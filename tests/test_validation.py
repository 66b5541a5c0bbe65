"""Parameters are checked with scikit-learn's wording."""

from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
import pytest
from sklearn.base import BaseEstimator

from skvae._validation import (
    BOOLEAN,
    FRACTION,
    NATURAL,
    NON_NEGATIVE,
    NONE,
    POSITIVE,
    POSITIVE_INT,
    RANDOM_STATE,
    Callable,
    Instance,
    Interval,
    Options,
    Sequence,
    check_parameter,
    check_parameters,
)

INF, NAN = float("inf"), float("nan")
SIZES = Sequence(POSITIVE_INT, "a tuple of ints")
LAYERS = Sequence(POSITIVE_INT, "a tuple of ints, not empty", empty=False)


@dataclass
class Case:
    constraint: object
    words: str
    accepted: tuple
    refused: tuple


CASES = {
    "positive-int": Case(
        POSITIVE_INT,
        "an int in the range [1, inf)",
        (1, 10**9, np.int64(3)),
        (0, -1, 1.0, True, np.bool_(True), "1", None),
    ),
    "natural": Case(NATURAL, "an int in the range [0, inf)", (0, 1), (-1, False, 0.0)),
    "positive": Case(
        POSITIVE,
        "a float in the range (0.0, inf)",
        (1e-300, 1, np.float32(2)),
        (0, -1e-9, INF, NAN, True, 1j, "1"),
    ),
    "non-negative": Case(
        NON_NEGATIVE, "a float in the range [0.0, inf)", (0, 0.5), (-1e-9, NAN, INF)
    ),
    "fraction": Case(
        FRACTION, "a float in the range (0.0, 1.0)", (0.5, 1e-9), (0.0, 1.0, 1, NAN)
    ),
    "right-closed": Case(
        Interval(Real, 0, 1, closed="right"),
        "a float in the range (0, 1]",
        (1, 0.5),
        (0, 1.1),
    ),
    "closed": Case(
        Interval(Integral, 0, 2, closed="both"),
        "an int in the range [0, 2]",
        (0, 1, 2),
        (-1, 3),
    ),
    "options": Case(
        Options(("b", "a")), "a str among {'a', 'b'}", ("a", "b"), ("c", "", 1, None)
    ),
    "boolean": Case(BOOLEAN, "an instance of 'bool'", (True, np.bool_(False)), (0, 1)),
    "instance": Case(Instance((dict,), "a dict"), "a dict", ({},), ([], None)),
    "none": Case(NONE, "None", (None,), (0, "", False)),
    "callable": Case(Callable("a function"), "a function", (len, Case), (1, "len")),
    "sequence": Case(
        SIZES, "a tuple of ints", ((), (1, 2), [3]), ((0,), (1, 2.0), 3, "12", {1})
    ),
    "non-empty-sequence": Case(
        LAYERS, "a tuple of ints, not empty", ((1,), [2, 3]), ((), [])
    ),
}


@pytest.mark.parametrize("label", CASES)
def test_a_constraint_accepts_what_it_describes(label):
    case = CASES[label]
    assert str(case.constraint) == case.words
    assert [case.constraint.accepts(value) for value in case.accepted] == [True] * len(
        case.accepted
    )
    assert [case.constraint.accepts(value) for value in case.refused] == [False] * len(
        case.refused
    )


@pytest.mark.parametrize("value", [0, 2**32 - 1, None, np.random.RandomState(0)])
def test_random_state_accepts_what_sklearn_accepts(value):
    assert check_parameter("random_state", value, RANDOM_STATE, "Model") is value


@pytest.mark.parametrize(
    ("constraints", "allowed"),
    [
        ((POSITIVE,), "a float in the range (0.0, inf)"),
        ((POSITIVE, NONE), "a float in the range (0.0, inf) or None"),
        (
            (Options(("auto",)), POSITIVE, NONE),
            "a str among {'auto'}, a float in the range (0.0, inf) or None",
        ),
    ],
)
def test_the_error_names_parameter_class_and_what_is_allowed(constraints, allowed):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        check_parameter("lr", "x", constraints, "Model")
    expected = f"The 'lr' parameter of Model must be {allowed}. Got 'x' instead."
    assert str(caught.value) == expected


class Model(BaseEstimator):
    _allowed = {"lr": (POSITIVE,), "depth": (POSITIVE_INT, NONE)}

    def __init__(self, lr=1.0, depth=None, free=None):
        self.lr = lr
        self.depth = depth
        self.free = free


def test_exactly_the_declared_parameters_are_checked():
    check_parameters(Model(free=object()))
    with pytest.raises(ValueError, match="'lr' parameter of Model"):
        check_parameters(Model(lr=0))
    with pytest.raises(ValueError, match=r"'depth' parameter of Model .* or None"):
        check_parameters(Model(depth=0))
