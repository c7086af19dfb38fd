"""Gridwire: a self-hosted zero-trust edge router."""

from gridwire.version import __version__

__all__ = ["__version__"]
