"""The shell around a process: configuration, logs, TLS, HTTP edges, health, metrics, life cycle."""
