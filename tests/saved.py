"""Save and reload estimators, and check that nothing has changed."""

import io
import pickle
from contextlib import contextmanager

import joblib
import numpy as np
from instances import batch_of, decode

from skvae import load
from skvae.distributions import Noise
from skvae.persistence import read, write


def through_file(estimator, path, training_state=False, **own):
    estimator.save(path, training_state=training_state)
    return load(path, **own)


def through_pickle(estimator):
    return pickle.loads(pickle.dumps(estimator))


def through_joblib(estimator):
    file = io.BytesIO()
    joblib.dump(estimator, file)
    file.seek(0)
    return joblib.load(file)


def answers(estimator, X):
    """Return the results of all methods of a fitted estimator."""
    Z = estimator.transform(X)
    found = [Z, decode(estimator, Z, X), estimator.reconstruct(X)]
    found.append(np.array(estimator.score(X)))
    # The bound also uses what a module keeps of its training rows.
    bound = estimator.module_.bound(batch_of(estimator, X), Noise.from_seed(0))
    found.append(bound.detach().numpy())
    if hasattr(estimator, "sample"):
        found += [estimator.sample(7, random_state=3), estimator.score_samples(X)]
    return found


def assert_same_answers(one, other, X):
    for a, b in zip(answers(one, X), answers(other, X), strict=True):
        np.testing.assert_array_equal(a, b, strict=True)


def described(value):
    """Describe a value such that equal descriptions mean equal values and types."""
    if isinstance(value, dict):
        return {key: described(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value), [described(item) for item in value]
    if isinstance(value, np.ndarray):
        return value.dtype, value.shape, value.tolist()
    if isinstance(value, np.random.RandomState):
        return described(value.get_state())
    if hasattr(value, "get_params"):
        return type(value), described(value.get_params(deep=False))
    return type(value), repr(value)


@contextmanager
def changed_header(path):
    """Change the header and write a valid checksum."""
    header, tensors = read(path)
    version = header.pop("format")
    yield header
    write(path, header, tensors)
    assert version == 1
