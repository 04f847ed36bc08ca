"""Handlers of the protocol's methods, a file per family: from requests to the engine and back."""
