"""Two tools, two servers: upstream's mqadmin and RocketPy's, each against both, line by line."""
