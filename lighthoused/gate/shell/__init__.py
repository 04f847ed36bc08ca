"""What a shell would do with a command: syntax, expansion and an abstract run that only collects effects."""
