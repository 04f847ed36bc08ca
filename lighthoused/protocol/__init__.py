"""What travels between client and daemon: the messages, their frames, and the reference derived from them."""
