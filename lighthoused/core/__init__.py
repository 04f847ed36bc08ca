"""The pure core: facts, verdicts and rules. Imports neither trio, lmdb, pyfuse3, httpx nor the clock."""
