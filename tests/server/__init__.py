"""The health server, tracing and log lines."""
