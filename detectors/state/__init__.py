"""A stage's state as pages that a log can keep."""
