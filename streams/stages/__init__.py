"""The engine's stages as a worker runs them, and what they read and write beside their input."""
