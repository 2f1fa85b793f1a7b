"""The topics: their plan, their making, whether they are as planned."""
