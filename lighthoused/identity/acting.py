"""Whom a process acts as."""

from typing import NamedTuple

from lighthoused.core.events import UNKNOWN_AGENT


class Acting(NamedTuple):
    """The agent and session a process acts as."""

    agent: str = UNKNOWN_AGENT
    session: str = ""


NOBODY = Acting()
