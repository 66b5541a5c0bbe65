"""Metadata requests, which ``set_transform_request`` and its like set."""

import sklearn


def metadata_requests(estimator):
    """Return the requests that differ from those of a new estimator, as plain data.

    Returns
    -------
    dict of str to dict
        For each method, a dict from the name of its argument to True, False, None or
        another name.
    """
    set_ones = estimator.get_metadata_routing()
    default = type(estimator)().get_metadata_routing()
    found = {}
    for method in _methods(estimator):
        usual = getattr(default, method).requests
        requests = getattr(set_ones, method).requests
        changed = {k: v for k, v in requests.items() if usual.get(k) != v}
        if changed:
            found[method] = changed
    return found


def put_back_requests(estimator, requests):
    """Set what `metadata_requests` returned; any Exception if it is not valid."""
    if not requests.keys() <= {*_methods(estimator)}:
        raise ValueError(f"it has no methods {', '.join(sorted(requests))} to route.")
    with sklearn.config_context(enable_metadata_routing=True):
        for method, arguments in requests.items():
            getattr(estimator, f"set_{method}_request")(**arguments)


def _methods(estimator):
    """Return the names of the methods whose requests can be set."""
    names = [n for n in dir(type(estimator)) if n.startswith("set_")]
    return [n[4:-8] for n in names if n.endswith("_request")]
