"""Transactions: half messages, the ops that settle them, and the questions to producers about those left open."""
