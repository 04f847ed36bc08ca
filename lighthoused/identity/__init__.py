"""Who is at the other end: socket credentials, tokens, and processes that belong to agents."""
