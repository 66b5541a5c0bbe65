"""Autoencoders of plain tables, with and without noise, and their latents."""

from skvae.autoencoders._ae import AE, AETransformer
from skvae.autoencoders._categorical import CategoricalVAETransformer
from skvae.autoencoders._categorical_gradients import GRADIENTS, TargetPropagation
from skvae.autoencoders._categorical_module import CategoricalVAE
from skvae.autoencoders._mcem import MCEMTransformer
from skvae.autoencoders._mcem_module import MCEM
from skvae.autoencoders._multi_path import MPVAETransformer
from skvae.autoencoders._multi_path_module import MPVAE
from skvae.autoencoders._presets import ishikawa_mpvae
from skvae.autoencoders._start import Start
from skvae.autoencoders._vae import ChosenPrior, VAENetworks, VAETransformer
from skvae.autoencoders._vae_module import VAE
from skvae.autoencoders._wake_sleep import WakeSleep, WakeSleepTransformer

__all__ = [
    "AE",
    "GRADIENTS",
    "MCEM",
    "MPVAE",
    "VAE",
    "AETransformer",
    "CategoricalVAE",
    "CategoricalVAETransformer",
    "ChosenPrior",
    "MCEMTransformer",
    "MPVAETransformer",
    "Start",
    "TargetPropagation",
    "VAENetworks",
    "VAETransformer",
    "WakeSleep",
    "WakeSleepTransformer",
    "ishikawa_mpvae",
]
