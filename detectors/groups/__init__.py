"""Accounts that share something, judged as one: who holds what, the groups of it, what they look like."""
