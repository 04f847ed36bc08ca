"""Measurements of a real daemon, printed beside what the design promises: ``./dev perf``."""
