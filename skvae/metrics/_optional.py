"""The libraries that only some functions need."""


def import_frames(owner):
    """Import the tables, which need pandas.

    Raises
    ------
    ImportError
        Saying how to install it.
    """
    try:
        from skvae.metrics import _frames
    except ImportError as error:
        raise ImportError(
            f'{owner} needs pandas: pip install "skvae[metrics]".'
        ) from error
    return _frames
