"""The words of the wire: codes, headers, bodies and their JSON; no I/O."""
