"""Compiled primitives that every stage shares."""
