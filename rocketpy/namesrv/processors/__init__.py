"""One function a request code: what a name server answers."""
