"""scikit-learn's own checks, without exceptions or skips."""

import os

import pytest
from instances import LIKELIHOODS, small, variants
from instances import VARIANTS as SETTINGS
from sklearn.base import clone
from sklearn.utils import estimator_checks
from sklearn.utils._param_validation import Interval as SklearnInterval
from sklearn.utils._param_validation import (
    StrOptions,
)

from skvae import (
    AETransformer,
    HierarchicalJMVAETransformer,
    MCEMTransformer,
    TaskInvariantVAETransformer,
    VAETransformer,
)
from skvae._validation import NONE, Instance, Interval, Options, Sequence
from skvae.discovery import all_estimators

# Shared settings are checked in one estimator; the others check only their own.
SHARED = VAETransformer().get_params().keys()
EVERYWHERE = ("small", "early-stopping")
VARIANTS = {
    f"{type(estimator).__name__}-{label}": estimator
    for label, params in (SETTINGS | LIKELIHOODS).items()
    for _, estimator in variants({label: params})
    if type(estimator) is VAETransformer
    or label in EVERYWHERE
    or not params.keys() <= SHARED
}
# The checks use floats of any size, about which Bernoulli warns.
pytestmark = pytest.mark.filterwarnings("ignore::skvae.exceptions.SkvaeDataWarning")

BEYOND_CHECK_ESTIMATOR = (
    "check_dataframe_column_names_consistency",
    "check_get_feature_names_out_error",
    "check_global_output_transform_pandas",
    "check_global_set_output_transform_polars",
    "check_set_output_transform",
    "check_set_output_transform_pandas",
    "check_set_output_transform_polars",
    "check_transformer_get_feature_names_out",
    "check_transformer_get_feature_names_out_pandas",
)

# All steps of slow models, in each of fifty checks, would take minutes.
SHORTER = {
    MCEMTransformer: {"max_epochs": 2, "n_leapfrog": 3, "n_updates": 2},
    TaskInvariantVAETransformer: {"max_epochs": 5},
    AETransformer: {"max_epochs": 50},
    HierarchicalJMVAETransformer: {"max_epochs": 50},
}


# A row of weight 2 has one draw of noise, and two equal rows have two. The check passes
# where rows share their noise, see `test_sample_weight.py`.
RANDOM = {
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
}

LACKING = ("not installed", "not available", "Skipping")


def not_passed(estimator):
    results = estimator_checks.check_estimator(estimator, on_fail=None, on_skip=None)
    assert len(results) > 40
    assert {result["check_name"] for result in results} >= RANDOM
    return [
        (result["check_name"], result["status"], str(result["exception"]))
        for result in results
        if result["status"] != "passed"
        and result["check_name"] not in RANDOM
        and not lacks_a_library(result)
    ]


def lacks_a_library(result):
    """Whether a check of arrays needs a library or a device that is not there."""
    of_arrays = result["check_name"].startswith("check_array_api")
    reason = str(result["exception"])
    return (
        of_arrays
        and result["status"] == "skipped"
        and any(words in reason for words in LACKING)
    )


@pytest.fixture
def without_arrays(monkeypatch):
    """Leave out the checks of arrays, which are converted alike in all variants."""
    name = "_yield_array_api_checks"
    monkeypatch.setattr(estimator_checks, name, lambda *a, **k: (), raising=False)


@pytest.mark.parametrize("label", VARIANTS)
def test_check_estimator_passes(label, request):
    if not label.endswith("-small"):
        request.getfixturevalue("without_arrays")
    assert os.environ.get("SCIPY_ARRAY_API") == "1", "set it, or a check is skipped"
    assert not_passed(VARIANTS[label]) == []


@pytest.mark.parametrize(("name", "cls"), all_estimators())
@pytest.mark.usefixtures("without_arrays")
def test_check_estimator_passes_for_the_untouched_default(name, cls):
    assert not_passed(cls(**SHORTER.get(cls, {}))) == []


# The checks mix frames and arrays, about which scikit-learn itself warns.
@pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names")
@pytest.mark.parametrize("check", BEYOND_CHECK_ESTIMATOR)
@pytest.mark.parametrize(("name", "cls"), all_estimators())
def test_sklearns_internal_checks_pass(check, name, cls):
    getattr(estimator_checks, check)(name, small(cls))


def in_sklearns_words(constraint):
    """Translate an skvae constraint, so that sklearn can derive invalid values."""
    if isinstance(constraint, Interval):
        low = None if constraint.low == float("-inf") else constraint.low
        high = None if constraint.high == float("inf") else constraint.high
        return SklearnInterval(constraint.kind, low, high, closed=constraint.closed)
    if isinstance(constraint, Options):
        return StrOptions(set(constraint.names))
    if isinstance(constraint, Instance):
        return constraint.types[0]
    if isinstance(constraint, Sequence):
        return tuple
    return None if constraint is NONE else callable


@pytest.mark.parametrize(("name", "cls"), all_estimators())
def test_sklearns_check_of_parameter_validation_passes(name, cls, monkeypatch):
    table = {
        parameter: [in_sklearns_words(constraint) for constraint in constraints]
        for parameter, constraints in cls._allowed.items()
    }
    estimator = clone(small(cls))
    monkeypatch.setattr(cls, "_parameter_constraints", table, raising=False)
    # sklearn's error class is private; skvae raises its base class, ValueError.
    monkeypatch.setattr(estimator_checks, "InvalidParameterError", ValueError)
    estimator_checks.check_param_validation(name, estimator)
