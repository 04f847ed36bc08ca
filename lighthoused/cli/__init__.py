"""The command line: `lighthoused` and `lighthousectl`."""
