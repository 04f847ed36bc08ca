"""The gate: understands what a request would do, and judges it by policy before it runs."""
