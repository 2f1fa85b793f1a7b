"""Which accounts act as one, and what their evidence amounts to."""
