"""Find the model inside a pipeline or a search."""

from sklearn.pipeline import Pipeline

from skvae._kinds import cut
from skvae.base._autoencoder import BaseAutoencoderTransformer


def find_model(estimator, owner):
    """Split a fitted estimator into what comes before the model, and the model.

    Parameters
    ----------
    estimator : estimator
        An skvae estimator, or a Pipeline or a fitted search that contains one; steps
        after the model are left out.
    owner : str
        Name of the caller, for the message.

    Returns
    -------
    before : Pipeline or None
        The fitted steps before the model, if any.
    model : BaseAutoencoderTransformer

    Raises
    ------
    TypeError
        If it contains no such model.
    """
    steps = _steps(estimator)
    for i, step in reversed(list(enumerate(steps))):
        if isinstance(step, BaseAutoencoderTransformer):
            before = [(str(j), step) for j, step in enumerate(steps[:i])]
            return (Pipeline(before) if before else None), step
    raise TypeError(
        f"{owner} needs an skvae estimator, or a pipeline or a fitted search that "
        f"contains one. Got {cut(estimator)} instead."
    )


def split_model(estimator):
    """Split as `find_model` does; return an estimator without a model unchanged."""
    try:
        return find_model(estimator, "split_model")
    except TypeError:
        return None, estimator


def condition_positions(model):
    """Return the positions of the condition columns of X, None if there are none."""
    return getattr(getattr(model, "_columns", None), "condition_positions", None)


def as_transformer(estimator, owner):
    """Return the part of an estimator that transforms.

    Parameters
    ----------
    estimator : estimator
        A transformer, a Pipeline whose steps but the last are transformers, or a fitted
        search over either.
    owner : str
        Name of the caller, for the message.

    Raises
    ------
    TypeError
        If no part of it transforms.
    """
    found = getattr(estimator, "best_estimator_", estimator)
    if isinstance(found, Pipeline) and not hasattr(found, "transform"):
        found = found[:-1] if len(found) > 1 else None
    if not hasattr(found, "transform"):
        raise TypeError(
            f"{owner} needs an estimator that can transform, or a pipeline or a fitted "
            f"search that contains one. Got {cut(estimator)} instead."
        )
    return found


def _steps(estimator):
    """Return the steps of pipelines inside searches inside pipelines."""
    estimator = getattr(estimator, "best_estimator_", estimator)
    if not isinstance(estimator, Pipeline):
        return [estimator]
    steps = [step for _, step in estimator.steps if step not in (None, "passthrough")]
    return [inner for step in steps for inner in _steps(step)]
