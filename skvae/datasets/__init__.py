"""Data with tasks: Gaussians with known information, digits and image sets."""

from skvae.datasets._digits import make_digit_tasks
from skvae.datasets._faces import load_frey, load_olivetti, load_umist
from skvae.datasets._gaussians import make_task_gaussians
from skvae.datasets._information import linear_posterior_information
from skvae.datasets._numerals import load_mnist, load_svhn, load_usps
from skvae.datasets._signs import make_digits_as_signs
from skvae.datasets._tasks import load_image_tasks

__all__ = [
    "linear_posterior_information",
    "load_frey",
    "load_image_tasks",
    "load_mnist",
    "load_olivetti",
    "load_svhn",
    "load_umist",
    "load_usps",
    "make_digit_tasks",
    "make_digits_as_signs",
    "make_task_gaussians",
]
