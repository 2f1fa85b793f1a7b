"""Attacks: networks of accounts that draw a model's capabilities out, A1 to A20."""
