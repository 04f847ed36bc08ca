"""What calls write and send: secrets, and code with known weaknesses. Must not judge."""
