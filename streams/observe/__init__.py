"""What operations see: metrics, health, and what watches over progress."""
