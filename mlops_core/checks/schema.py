"""The columns of a chunk against the contract: decides when one counts as missing from live traffic."""

from collections.abc import Mapping

from mlops_core.checks.findings import LEAST_ROWS, Check, Finding, lack_rows
from mlops_core.contracts import Contract
from mlops_core.entities import Status
from mlops_core.stats.features import FeatureCounts

MOST_NAMED = 5
"""Columns that a reason names; of more it gives the number."""


def check_schema(contract: Contract, counts: Mapping[str, FeatureCounts], k: int) -> list[Finding]:
    """Find the columns that the contract describes and that have no value in any row of a chunk.

    A column of the wrong type, or one that nobody knows, never gets here: its delivery is refused whole.

    Parameters
    ----------
    counts : mapping
        Of each feature, over the same k chunks.

    Returns
    -------
    list of k Finding
        The value is the number of columns without values; none is accepted.
    """
    asked = [(terms.feature, counts[terms.feature]) for terms in contract.features if terms.feature in counts]
    needed = {terms.feature for terms in contract.features if terms.most_null < 1}
    found = []
    for i in range(k):
        n = max((int(own.n[i]) for _, own in asked), default=0)
        if n < LEAST_ROWS:
            found.append(lack_rows(Check.SCHEMA, None, n))
            continue
        empty = [name for name, own in asked if name in needed and own.n[i] and own.n_null[i] == own.n[i]]
        finding = Finding(
            check=Check.SCHEMA,
            feature=None,
            n=n,
            value=float(len(empty)),
            limit=0.0,
            status=Status.ALERT if empty else Status.OK,
            reason=_tell(empty, len(asked), n),
        )
        found.append(finding)
    return found


def _tell(empty: list[str], n_columns: int, n: int) -> str:
    if not empty:
        return f"All {n_columns} columns of the contract have values in {n:,} rows."
    names = ", ".join(empty[:MOST_NAMED]) + (f" and {len(empty) - MOST_NAMED} more" if empty[MOST_NAMED:] else "")
    verb = "has" if len(empty) == 1 else "have"
    return f"{len(empty)} of {n_columns} columns of the contract {verb} no value in any of {n:,} rows: {names}."
