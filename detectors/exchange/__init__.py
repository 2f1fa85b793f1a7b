"""What crosses between stages, and its bytes."""
