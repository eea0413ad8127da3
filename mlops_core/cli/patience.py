"""Commands that take long: decides that they are not silent, and after which time they say what goes on."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

SILENT_S = 1.0


@contextmanager
def tell_when_long(words: str) -> Iterator[None]:
    """Say on standard error what goes on when it takes longer than a person waits without asking."""
    timer = threading.Timer(SILENT_S, partial(print, words, file=sys.stderr, flush=True))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
