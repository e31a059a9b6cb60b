"""Bytes to things and things to bytes, and the fast lane; opens no socket, reads no clock, knows no other room."""
