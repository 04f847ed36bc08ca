"""What lets people and machines watch the daemon: its log lines, metrics, health and loop lag."""
