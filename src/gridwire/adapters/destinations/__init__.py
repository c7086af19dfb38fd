"""Sends one notice to one destination, and to no address that must not be spoken to."""

from gridwire.adapters.destinations.send import Sender, Undelivered, is_own

__all__ = ["Sender", "Undelivered", "is_own"]
