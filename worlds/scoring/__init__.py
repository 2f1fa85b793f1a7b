"""How well alerts name the campaigns of a simulated world."""
