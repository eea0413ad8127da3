"""What stands first on a page; apart from how it is found, since it is kept and said again without that."""

from dataclasses import dataclass

from mlops_core.entities import Action, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The answer first."""

    status: Status
    kicker: str
    """Status, metric, and since when."""
    sentence: str
    detail: str
    """The figures behind it."""
    action: Action | None
    """What would help; None when nothing on offer would."""
    target: str | None
    """The version to act on."""
