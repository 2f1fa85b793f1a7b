"""State kept at the broker: a log per stage, its schedule, its pages, and the way back."""
