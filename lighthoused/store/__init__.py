"""Storage: one LMDB environment, one writer thread. The only room that imports lmdb."""
