"""Fitted estimators and pipelines as ONNX graphs."""

from sklearn.pipeline import Pipeline

from skvae.base import find_model
from skvae.export._conversion import onnx_of
from skvae.export._pipelines import pipeline_to_onnx
from skvae.export._program import N_SAMPLES, OUTPUTS, Answer, check_exportable


def to_onnx(estimator, method="transform", n_samples=N_SAMPLES):
    """Convert a method of a fitted estimator to an ONNX graph.

    The graph answers without torch, scikit-learn and skvae, in onnxruntime and others.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator of skvae, or a fitted pipeline or search that contains one.
        The steps of a pipeline are converted by skl2onnx. Steps behind the estimator
        read its latents.
    method : {"transform", "reconstruct", "score"}, default="transform"
        What the graph computes:

        - "transform": the latents.
        - "reconstruct": the means of p(x | z) there. In a pipeline, they are in the
          units that the estimator reads.
        - "score": an estimate of ln p(x) in nats per row, (n,), by importance sampling
          from the encoder's posterior,
          ln 1/S Σ_s p(x | z_s) p(z_s) / q(z_s | x), z_s ~ q(z | x) (Burda et al. 2016,
          eq. 8). It is a lower bound on average. `score_samples` refines the posterior
          of each row first, which a graph cannot, and is therefore higher, by little
          where the encoder fits. The random numbers are constants of the graph, and
          the same for all rows. Categorical latents of at most 256 values are summed
          over, as in `score_samples`. A model without a prior has ln p(x | z) at the
          latents.
    n_samples : int, default=64
        S, draws of z per row, for "score". All of them are decoded at once, so the
        memory needed is proportional to S times the number of rows.

    Returns
    -------
    onnx.ModelProto
        Its inputs are tables of numbers in double precision: "X", (n, n_features), and
        "condition", (n, m), if conditions are passed beside X. Columns far from zero
        are centred in double precision, as the estimator does. NaN is a missing cell.
        The output, in double precision, is "Z", "X_mean" or "log_likelihood". A graph
        cannot raise an error: rows with a code, a level or a missing modality that the
        estimator would refuse have NaN. Other values are not checked.

    Raises
    ------
    NotFittedError
        Before `fit`.
    ValueError
        If the estimator has no such graph: it has no encoder but iterates (Monte Carlo
        EM), reads words rather than numbers, or has a Gaussian likelihood with a
        ``transform``.
    ImportError
        If onnx, onnxscript or, for a pipeline, skl2onnx is missing.

    Notes
    -----
    Models of several modalities without experts iterate to fill a missing modality. In
    a graph, such rows have NaN.

    References
    ----------
    Burda, Y., Grosse, R. and Salakhutdinov, R. (2016). Importance Weighted
    Autoencoders. ICLR.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvae import VAETransformer
    >>> from skvae.export import to_onnx
    >>> X = load_digits().data / 16
    >>> vae = VAETransformer(2, max_epochs=1, random_state=0).fit(X)
    >>> onnx_model = to_onnx(vae)  # doctest: +SKIP
    >>> session = onnxruntime.InferenceSession(
    ...     onnx_model.SerializeToString()
    ... )  # doctest: +SKIP
    >>> (Z,) = session.run(None, {"X": X})  # doctest: +SKIP
    """
    found = getattr(estimator, "best_estimator_", estimator)
    if not isinstance(found, Pipeline):
        return onnx_of(Answer(found, method, n_samples), [OUTPUTS[method]])
    _, model = find_model(found, "to_onnx")
    check_exportable(model, method, n_samples)
    if method != "transform" and found[-1] is not model:
        raise ValueError(
            "method must be 'transform' for a pipeline with steps behind the "
            f"estimator. Got {method!r} instead."
        )
    return pipeline_to_onnx(found, model, method, n_samples)
