"""Records of gateways to request events: one function, and the ways in that call it."""
