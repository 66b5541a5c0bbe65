"""Autoencoders of one table: with and without noise."""

from skvae.autoencoders._ae import AE, AETransformer
from skvae.autoencoders._vae import VAE, VAETransformer

__all__ = ["AE", "VAE", "AETransformer", "VAETransformer"]
