"""Models of rows under conditions: tasks, classes, attributes."""

from skvae.conditional._cvae import CVAE, CVAETransformer

__all__ = ["CVAE", "CVAETransformer"]
