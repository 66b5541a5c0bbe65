"""The version, kept alone so that packaging reads it without importing skvae."""

__version__ = "0.1.0.dev0"
