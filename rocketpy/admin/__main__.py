"""`python -m rocketpy.admin`: what bin/mqadmin runs."""

from rocketpy.admin.cli import main

if __name__ == "__main__":
    main()
