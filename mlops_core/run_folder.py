"""What a run leaves on disk while it works: decides the form of its log, and how steps are read from it."""

import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from mlops_core.runs import Step, StepState, StepStatus

LOG = "log.jsonl"
LONGEST_WORDS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One thing that a run has told."""

    at: datetime
    """By the machine's clock, aware UTC."""
    step: Step
    status: StepStatus
    fraction: float | None = None
    """Of the step, 0–1; None when it cannot say."""
    words: str = ""


def make_folder(folder: Path) -> None:
    """Make a run's folder, mode 700, unless it is there."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def append_line(folder: Path, line: LogLine) -> None:
    """Add a line to a run's log; each is one write, so that one cut off by a kill is the last.

    One that does not fit on a full disk is left out: work does not end because nobody can read of it.
    """
    document = {
        "at": line.at.isoformat(),
        "step": line.step.value,
        "status": line.status.value,
        "fraction": line.fraction,
        "words": line.words[:LONGEST_WORDS],
    }
    with suppress(OSError), (folder / LOG).open("ab", buffering=0) as file:
        text = (json.dumps(document) + "\n").encode()
        written = file.write(text)
        if written < len(text):
            file.truncate(file.tell() - written)


def read_log(folder: Path) -> list[LogLine]:
    """Give what a run has told, oldest first; empty while there is nothing. A line cut off is left out."""
    try:
        text = (folder / LOG).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    return list(_read_lines(text))


def fold_log(lines: list[LogLine]) -> tuple[StepState, ...]:
    """Say where each step stands after all lines; a step that was begun again counts from its newest beginning."""
    states = {step: StepState(step=step) for step in Step}
    for line in lines:
        state = states[line.step]
        begins = line.status is StepStatus.RUNNING and state.status is not StepStatus.RUNNING
        is_over = line.status in (StepStatus.DONE, StepStatus.FAILED, StepStatus.SKIPPED)
        states[line.step] = replace(
            state,
            status=line.status,
            started_at=line.at if begins or state.started_at is None else state.started_at,
            ended_at=line.at if is_over else None,
            fraction=None if is_over else line.fraction,
            words=line.words or state.words,
        )
    return tuple(states.values())


def cut_short(step: StepState, at: datetime, words: str) -> StepState:
    """Give where a step stands once its run has ended in the middle of it; one that does not run stays as it is."""
    if step.status is not StepStatus.RUNNING:
        return step
    return replace(step, status=StepStatus.FAILED, ended_at=at, fraction=None, words=words)


def remove_work(folder: Path) -> None:
    """Delete what a run has worked on, but not its log."""
    for path in folder.glob("*"):
        if path.name != LOG:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _read_lines(text: str) -> Iterator[LogLine]:
    for one in text.splitlines():
        try:
            document = json.loads(one)
            yield LogLine(
                at=datetime.fromisoformat(document["at"]),
                step=Step(document["step"]),
                status=StepStatus(document["status"]),
                fraction=document["fraction"],
                words=document["words"],
            )
        except (ValueError, KeyError, TypeError):
            continue
