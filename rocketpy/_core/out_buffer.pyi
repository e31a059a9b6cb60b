"""Bytes on their way to one socket, in order, with as few copies as can be; has no door for Python."""
