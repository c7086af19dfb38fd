"""The version, stated once: the package's metadata, the CLI and the API read it from here."""

__version__ = "0.1.0"
