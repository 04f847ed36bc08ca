"""Outliving the process: systemd's notification socket and descriptor store, and the privileged mount helper."""
