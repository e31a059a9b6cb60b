"""One function a request code; each answers with a response, a future of one, or None."""
