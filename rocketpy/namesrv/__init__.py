"""The name server: routes of topics and brokers, kept in memory, and the KV table kept in a file."""
