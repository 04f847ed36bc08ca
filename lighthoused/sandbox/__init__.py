"""Confining an agent: what it and its children may touch, held by the kernel."""
