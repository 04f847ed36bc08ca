"""Policies in Rego over effects, embedded by regopy. Must not know how effects are found."""
