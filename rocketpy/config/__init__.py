"""Settings: the properties file with its diagnostics, and one table of settings a server."""
