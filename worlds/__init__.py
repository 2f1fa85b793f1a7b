"""Simulated worlds: events of accounts that never lived, with the truth about them."""
