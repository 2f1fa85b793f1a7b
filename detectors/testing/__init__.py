"""`check_detector` and what it needs: checks, scenarios, a world that refuses."""
