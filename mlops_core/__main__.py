"""`python -m mlops_core`: decides nothing; see `mlops_core.cli`."""

import sys
from io import TextIOWrapper

from mlops_core.cli import main

if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a character shows "?" instead of a traceback
    sys.exit(main())
