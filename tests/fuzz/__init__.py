"""One fuzz target a decoder; `python -m tests.fuzz` runs them with atheris."""
