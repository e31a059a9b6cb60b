"""`python -m rocketpy.store_tool`, which bin/mqstore calls."""

from rocketpy.store_tool.cli import main

main(prog_name="rocketpy-store")
