"""Stage B: windows and members of the values that accounts share."""
