"""The offline tool of a store folder: check, dump, repair."""
