"""Alerts: which stand, what comes next, how they are written and explained."""
