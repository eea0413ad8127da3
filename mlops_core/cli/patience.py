"""Commands that take long: decides that they are not silent, and how often they say what goes on."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

SILENT_S = 1.0
AGAIN_S = 10


@contextmanager
def tell_when_long(words: str) -> Iterator[None]:
    """Say on standard error what goes on when it takes longer than a person waits without asking.

    Every ten seconds the time that has passed follows.
    """
    ended = threading.Event()
    teller = threading.Thread(target=_tell, args=(words, ended), daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()


def _tell(words: str, ended: threading.Event) -> None:
    started = time.monotonic()
    if ended.wait(SILENT_S):
        return
    print(words, file=sys.stderr, flush=True)
    for passed_s in count(AGAIN_S, AGAIN_S):
        if ended.wait(started + passed_s - time.monotonic()):
            return
        print(f"  … {passed_s} s", file=sys.stderr, flush=True)
