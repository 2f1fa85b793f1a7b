"""Stage A: windows of accounts, one partition of requests at a time."""
