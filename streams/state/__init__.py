"""State kept at the broker: a log per stage, its turns, its pages, and the way back."""
