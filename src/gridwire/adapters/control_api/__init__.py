"""Control's API as agent, CLI and join use it."""

from gridwire.adapters.control_api import calls
from gridwire.adapters.control_api.calls import Answer, Call
from gridwire.adapters.control_api.client import AsyncControlApi, Away, ControlApi

__all__ = ["Answer", "AsyncControlApi", "Away", "Call", "ControlApi", "calls"]
