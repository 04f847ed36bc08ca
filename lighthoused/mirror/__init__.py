"""Projects kept equal with ordinary directories."""
