"""Autoencoders of one table: with and without noise, real and categorical latents."""

from skvae.autoencoders._ae import AE, AETransformer
from skvae.autoencoders._categorical import CategoricalVAE, CategoricalVAETransformer
from skvae.autoencoders._gradients import GRADIENTS, TargetPropagation
from skvae.autoencoders._mcem import MCEM, MCEMTransformer
from skvae.autoencoders._multi_path import MPVAE, MPVAETransformer
from skvae.autoencoders._vae import VAE, VAETransformer
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
    "MCEMTransformer",
    "MPVAETransformer",
    "TargetPropagation",
    "VAETransformer",
    "WakeSleep",
    "WakeSleepTransformer",
]
