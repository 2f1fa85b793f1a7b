"""The command `hydrawatch`: declarations, options, exit codes."""
