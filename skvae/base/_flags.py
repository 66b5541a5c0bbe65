"""A user's encoder beside flags of missing cells and conditions."""

from skvae.distributions import n_inputs
from skvae.nets import Beside


def reading_flags(body, n_hidden, head, width=0):
    """Let a user's encoder pass on what it does not read; return its width too.

    It reads the features. Flags of missing cells before them, and `width` columns after
    them, are appended to its output.
    """
    n_flags = n_inputs(head) - head.n_features
    if n_flags or width:
        body = Beside(body, head.n_features, n_flags)
    return body, n_hidden + n_flags + width
