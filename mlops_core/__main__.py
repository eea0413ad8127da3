"""`python -m mlops_core`: decides nothing but how the process ends; see `mlops_core.cli`."""

import os
import sys
from contextlib import suppress
from io import TextIOWrapper

from mlops_core.cli import main

if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a character shows "?" instead of a traceback
    try:
        code = main()
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else 2
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    # Threads of the page server outlive it; at an ordinary exit DuckDB's bindings would print what these still hold.
    os._exit(code)
