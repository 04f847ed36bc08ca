"""`lighthousectl top`: a live view of the daemon, on a whole terminal."""
