"""The wire formats: request events, alerts."""
