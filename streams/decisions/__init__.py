"""What the wall clock decided, written down before it is used."""
