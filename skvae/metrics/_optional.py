"""Imports of optional dependencies."""


def import_frames(owner):
    """Import the module of data frames, which needs pandas.

    Raises
    ------
    ImportError
        If pandas is missing; the message says how to install it.
    """
    try:
        from skvae.metrics import _frames
    except ImportError as error:
        raise ImportError(
            f'{owner} needs pandas: pip install "skvae[metrics]".'
        ) from error
    return _frames
