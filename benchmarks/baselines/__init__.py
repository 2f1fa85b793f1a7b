"""Simple detectors that hydrawatch must beat; each decides with what it has seen so far."""
