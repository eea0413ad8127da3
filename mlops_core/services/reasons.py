"""Why somebody changes something: decides how long a reason may be, and that a blank one is none."""

from mlops_core.errors import InputError

LONGEST_REASON = 2000


def check_reason(given: str) -> str:
    """Give a reason without blanks around it.

    Raises
    ------
    InputError
        When nothing is left, or too much.
    """
    reason = given.strip()
    if not 1 <= len(reason) <= LONGEST_REASON:
        raise InputError(f"A reason of 1 to {LONGEST_REASON:,} characters is needed; this one has {len(reason):,}.")
    return reason
