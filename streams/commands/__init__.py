"""One module per command of `hydrawatch`; imported only when the command runs."""
