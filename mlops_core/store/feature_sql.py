"""The statements that count features: the one generator, kept to SQL that other engines take as well.

A row's chunk comes from whole numbers alone (see `mlops_core.chunking.find_runs`), a number's bin from operations
that IEEE 754 rounds correctly (see `mlops_core.stats.grids`), and a category's bin from a join after the grouping
(see `sql/features.sql`, which makes profiles of the groups).
"""

from collections.abc import Sequence

from mlops_core.chunking import EPOCH, MICROSECOND, Run
from mlops_core.stats.features import FeatureBinning
from mlops_core.stats.grids import (
    HIGHEST_BIN,
    LOWEST_BIN,
    NEGATIVE_INFINITY_BIN,
    POSITIVE_INFINITY_BIN,
    NumericGrid,
    Transform,
)
from mlops_core.store.tables import quote, quote_text


def run_expression(runs: Sequence[Run], column: str = "scored_at") -> str:
    """Give the SQL of the start of a row's chunk, in whole microseconds since 1970 as a double.

    Rows lie within the runs. The division is exact enough as long as a run is shorter than 2⁵³ µs, 285 years.
    """
    micros = f"epoch_us({column})"
    arms = []
    for run in runs:
        start, end, length = (
            (run.start - EPOCH) // MICROSECOND,
            (run.end - EPOCH) // MICROSECOND,
            run.length // MICROSECOND,
        )
        value = f"{start}e0 + floor(({micros} - {start}) / {length}e0) * {length}e0"
        arms.append((f"{micros} < {end}", value))
    cases = " ".join(f"when {test} then {value}" for test, value in arms[:-1])
    return f"case {cases} else {arms[-1][1]} end" if cases else f"({arms[-1][1]})"


def grid_expression(column: str, grid: NumericGrid | None) -> str:
    """Give the SQL of a number's bin, null for null and NaN; the same as `grids.assign_grid_bins`."""
    if grid is None:
        return "cast(null as smallint)"
    distance = f"({column} - ({_write_double(grid.centre)}))"
    if grid.transform is Transform.EIGHTH_ROOT:
        distance = f"sign({distance}) * sqrt(sqrt(sqrt(abs({distance}))))"
    index = f"{distance} * {_write_double(grid.scale)}"
    # The first arm takes nearly every row, so that it alone has to be cheap.
    return (
        f"case when {index} >= {LOWEST_BIN}e0 and {index} < {HIGHEST_BIN + 1}e0 then cast(floor({index}) as smallint) "
        f"when {column} is null or isnan({column}) then null "
        f"when isinf({column}) then case when {column} > 0 then {POSITIVE_INFINITY_BIN} "
        f"else {NEGATIVE_INFINITY_BIN} end "
        f"when {distance} > 0 then {HIGHEST_BIN} else {LOWEST_BIN} end"
    )


def group_statement(source: str, binning: FeatureBinning, chunk: str, condition: str, segment_column: str = "") -> str:
    """Give the statement that groups the rows of a source by version, chunk, segment, and bin of one feature.

    Kept plain, since for a small batch planning costs more than counting. A category is grouped by its value; its
    bin is found afterwards, once for each value.

    Parameters
    ----------
    source : str
        The quoted table; it has the columns version and scored_at.
    chunk : str
        What `run_expression` gives.
    condition : str
        Which rows of the source are counted.
    segment_column : str
        Group by the values of this column as well; empty for none.
    """
    column = quote(binning.feature)
    segment = f"coalesce({quote(segment_column)}, '')" if segment_column else "''"
    if binning.is_categorical:
        counted = f"{column} as value, null::smallint as bin, count(*) as n, "
        counted += "null::double as s, null::double as low, null::double as high"
    else:
        counted = (
            f"null::varchar as value, {grid_expression(column, binning.grid)} as bin, count(*) as n, "
            f"sum({column}) as s, min({column}) as low, max({column}) as high"
        )
    return (
        f"select {quote_text(binning.feature)} as feature, version, {chunk} as chunk, "
        f"{quote_text(segment_column)} as segment_column, {segment} as segment, {counted} "
        f"from {source} where {condition} group by all"
    )


def _write_double(value: float) -> str:
    """Write a double as SQL reads it back: with an exponent, for a plain decimal is another type."""
    text = repr(float(value))
    return text if "e" in text else f"{text}e0"
