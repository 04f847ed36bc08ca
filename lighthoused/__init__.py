"""Lighthouse: the local daemon that makes several AI coding agents on one machine safe and productive."""

__version__ = "0.1.0"
