"""The broker's decisions: what a request may do, who holds which queue, who waits for what."""
