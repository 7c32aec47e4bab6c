"""Run the command line as `python -m followupd`."""

import sys

from followupd.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
