"""Backups of the store: hot, incremental, verified, restorable. See docs/backup.md."""
