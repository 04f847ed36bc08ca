"""The RPC server: connections on a Unix socket, requests to handlers, answers back."""
