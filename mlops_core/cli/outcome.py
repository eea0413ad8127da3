"""What a command hands over: decides that it is one document, the same for a person, and an exit code."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of a command."""

    document: object
    """What `--json` prints; None when it was printed already."""
    text: str
    """What a person reads instead."""
    exit_code: int = 0
