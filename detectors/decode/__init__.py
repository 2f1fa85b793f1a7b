"""Bytes to columns; what cannot be read is set aside with its reason."""
