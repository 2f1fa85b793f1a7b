"""Innocent look-alikes: what is easily taken for an attack, B1 to B21."""
