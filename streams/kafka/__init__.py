"""Connections to brokers: credentials, producers, readers, fences, an embedded broker."""
