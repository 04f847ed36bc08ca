"""The versioned tree: a filesystem's rules over the store. Knows nothing of FUSE; refusals are OSErrors with errno."""
