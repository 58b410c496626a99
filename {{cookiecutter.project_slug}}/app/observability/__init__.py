"""Logs, metrics, traces, health checks and the stop of a server."""
