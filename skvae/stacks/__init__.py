"""Many fits at once: nets of one architecture, trained and scored side by side.

Every member of a stack has its own rows, order, noise, step size, weight decay, β,
warm-up and early stopping, and ends where its own fit would, up to rounding. What
cannot be stacked is left to an ordinary fit.
"""

from skvae.stacks._likelihood import log_likelihoods
from skvae.stacks._members import architecture
from skvae.stacks._training import train_together

__all__ = ["architecture", "log_likelihoods", "train_together"]
