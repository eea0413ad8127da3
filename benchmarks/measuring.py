"""How things are measured: decides what a duration, a percentile, CPU seconds, and a peak of memory are."""

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection

import numpy as np

MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024
"""Unit of `ru_maxrss`."""


def time_ms(task: Callable[[], object]) -> float:
    """Give the milliseconds a task takes by the wall clock."""
    started = time.perf_counter()
    task()
    return (time.perf_counter() - started) * 1000


def time_cpu_s(task: Callable[[], object]) -> float:
    """Give the CPU seconds a task takes, all threads of this process together."""
    started = time.process_time()
    task()
    return time.process_time() - started


def find_percentile(values: list[float], percent: float) -> float:
    """Give a percentile, the largest value at 100."""
    return float(np.percentile(values, percent))


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a child process gave, and the memory it took."""

    result: object
    peak_mb: float
    """Largest resident size of the process over its life, in 10^6 bytes."""


def run_in_child(task: Callable[..., object], *arguments: object) -> Measured:
    """Run a module-level function in a fresh process and wait for it.

    Raises
    ------
    RuntimeError
        When the process ended without an answer.
    """
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(target=_answer, args=(theirs, task, arguments), daemon=True)
    child.start()
    theirs.close()
    try:
        result, peak = ours.recv()
    except EOFError as error:
        raise RuntimeError(f"The process of {task.__name__} ended early; its message is above.") from error
    finally:
        child.join()
    return Measured(result=result, peak_mb=peak / 1e6)


def _answer(pipe: Connection, task: Callable[..., object], arguments: tuple[object, ...]) -> None:
    result = task(*arguments)
    pipe.send((result, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * MAXRSS_BYTES))
