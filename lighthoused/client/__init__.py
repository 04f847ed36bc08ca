"""Clients of the daemon. Importing this brings in no part of the daemon itself."""

from lighthoused.client.sync import Client, Stream
from lighthoused.client.unreachable import Unreachable

__all__ = ["Client", "Stream", "Unreachable"]
