"""Answers in the library of the rows."""

from functools import wraps

from skvae.inputs import check_library, like, wanted_output


def in_kind(method):
    """Let a method return arrays of the library and the device of its X.

    Its first argument is X. Data frames are returned if the output is set to these.
    """

    @wraps(method)
    def answered(self, X, *args, **kwargs):
        known = getattr(getattr(self, "_columns", None), "library", None)
        check_library(known, X, f"{type(self).__name__}.{method.__name__}")
        result = method(self, X, *args, **kwargs)
        return like(X, result) if wanted_output(self) == "default" else result

    return answered
