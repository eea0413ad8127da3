"""Why somebody changes something: decides how long a reason may be, and that a blank one is none."""

from mlops_core.errors import InputError

LONGEST_REASON = 2000


def check_reason(given: str, because: str = "") -> str:
    """Give a reason without blanks around it.

    Parameters
    ----------
    because : str
        What makes it needed; empty when that is plain.

    Raises
    ------
    InputError
        When nothing is left, or too much.
    """
    reason = given.strip()
    if not 1 <= len(reason) <= LONGEST_REASON:
        needed = f"is needed, because {because}" if because else "is needed"
        raise InputError(f"A reason of 1 to {LONGEST_REASON:,} characters {needed}; this one has {len(reason):,}.")
    return reason
