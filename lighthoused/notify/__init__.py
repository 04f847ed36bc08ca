"""Telling people who are elsewhere: that something waits for them, how it ended, that the daemon is not well."""
