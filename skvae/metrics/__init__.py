"""Metrics of models and of their latents, and scorers built from them."""

from skvae.metrics._active_units import active_units, n_active_units
from skvae.metrics._beta_factor_vae import beta_vae_score, factor_vae_score
from skvae.metrics._bounds import LogLikelihoodBounds, log_likelihood_bounds
from skvae.metrics._collapse import WarnOfCollapse
from skvae.metrics._compare import compare
from skvae.metrics._conditional import conditional_log_likelihood
from skvae.metrics._dci_sap import DCIScores, dci_scores, sap_score
from skvae.metrics._diagnosis import diagnose
from skvae.metrics._gradient_check import GradientCheck, gradient_check
from skvae.metrics._mig_modularity import modularity_score, mutual_information_gap
from skvae.metrics._mutual_information import mutual_information, prior_gap
from skvae.metrics._reconstruction import (
    neg_reconstruction_error,
    reconstruction_error,
)
from skvae.metrics._scorers import representation_scorer
from skvae.metrics._target import target_log_likelihood
from skvae.metrics._task_accuracy import task_accuracy
from skvae.metrics._task_information import (
    TaskDecomposition,
    TaskInformation,
    task_decomposition,
    task_information,
)
from skvae.metrics._transfer import few_shot_curve, transfer_report

__all__ = [
    "DCIScores",
    "GradientCheck",
    "LogLikelihoodBounds",
    "TaskDecomposition",
    "TaskInformation",
    "WarnOfCollapse",
    "active_units",
    "beta_vae_score",
    "compare",
    "conditional_log_likelihood",
    "dci_scores",
    "diagnose",
    "factor_vae_score",
    "few_shot_curve",
    "gradient_check",
    "log_likelihood_bounds",
    "modularity_score",
    "mutual_information",
    "mutual_information_gap",
    "n_active_units",
    "neg_reconstruction_error",
    "prior_gap",
    "reconstruction_error",
    "representation_scorer",
    "sap_score",
    "target_log_likelihood",
    "task_accuracy",
    "task_decomposition",
    "task_information",
    "transfer_report",
]
