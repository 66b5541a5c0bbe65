"""scikit-learn's callbacks, if the installed release has them (1.9 and newer)."""

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:

    class CallbackSupportMixin:
        """Replaces the mixin of a newer scikit-learn; adds nothing."""

    def with_callbacks(method):
        """Replace the decorator of a newer scikit-learn; changes nothing."""
        return method


__all__ = ["CallbackSupportMixin", "with_callbacks"]
