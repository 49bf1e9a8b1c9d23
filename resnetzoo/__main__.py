"""`python -m resnetzoo` is the command `resnetzoo`."""

import sys

from resnetzoo.cli import main

if __name__ == "__main__":
    sys.exit(main())
