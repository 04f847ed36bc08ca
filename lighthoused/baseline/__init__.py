"""How fast a running daemon is, kept under a name, and whether it is slower than it was."""
