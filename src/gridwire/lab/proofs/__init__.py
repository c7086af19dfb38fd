"""Proofs of what gridwire promises, one file each; ``claims`` is their table."""
