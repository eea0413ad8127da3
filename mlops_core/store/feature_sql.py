"""The statement that rows are counted from: the one generator, kept to SQL that other engines take as well.

A row's chunk comes from whole numbers alone (see `mlops_core.chunking.find_runs`), and what its texts are called from
lists of them. Numbers go out as they are: their bins come from operations that IEEE 754 rounds correctly (see
`mlops_core.stats.grids`), so that an engine which counts where the logs live finds the same.
"""

from collections.abc import Callable, Sequence

from mlops_core.chunking import EPOCH, MICROSECOND, Run
from mlops_core.store.tables import quote

LONGEST_LIST = 256
"""Texts that a row's is looked up among in the statement; of more it goes out as it is."""
Labels = Sequence[str | None]


def run_expression(runs: Sequence[Run], column: str = "scored_at") -> str:
    """Give the SQL of the start of a row's chunk, in whole microseconds since 1970 as a double.

    Rows lie within the runs. The division is exact enough as long as a run is shorter than 2⁵³ µs, 285 years.
    """
    return _choose_run(runs, column, lambda run, i: f"{_count_micros(run)}e0 + {i} * {run.length // MICROSECOND}e0")


def position_expression(runs: Sequence[Run], column: str = "scored_at") -> str:
    """Give the SQL of the place of a row's chunk among all chunks of the runs, 0 for the first; rows lie within."""
    before = {run.start: sum((one.end - one.start) // one.length for one in runs[:i]) for i, run in enumerate(runs)}
    return f"cast({_choose_run(runs, column, lambda run, i: f'{before[run.start]} + {i}')} as bigint)"


def _choose_run(runs: Sequence[Run], column: str, write: Callable[[Run, str], str]) -> str:
    """Write an arm for each run from the run and the SQL of a row's place in it."""
    micros, arms = f"epoch_us({column})", []
    for run in runs:
        place = f"floor(({micros} - {_count_micros(run)}) / {run.length // MICROSECOND}e0)"
        arms.append((f"{micros} < {(run.end - EPOCH) // MICROSECOND}", write(run, place)))
    cases = " ".join(f"when {test} then {value}" for test, value in arms[:-1])
    return f"case {cases} else {arms[-1][1]} end" if cases else f"({arms[-1][1]})"


def _count_micros(run: Run) -> int:
    return (run.start - EPOCH) // MICROSECOND


def code_statement(
    source: str, runs: Sequence[Run], texts: Sequence[tuple[str, Labels]], numbers: Sequence[str], condition: str
) -> tuple[str, dict[str, object]]:
    """Give the statement that reads rows for counting, and its parameters.

    Its columns are the place of the row's chunk; for each text its place in its list from 1 on, 0 when it is not
    there (null is, when the list has None), or the text itself when the list is long; and the numbers, NaN for null.

    Parameters
    ----------
    source : str
        The quoted table; it has the columns scored_at and those named.
    texts : sequence of (column, labels)
        What rows are told apart by.
    condition : str
        Which rows of the source are read.
    """
    columns = [position_expression(runs)]
    parameters: dict[str, object] = {}
    for i, (name, labels) in enumerate(texts):
        if len(labels) > LONGEST_LIST:
            columns.append(quote(name))
        else:
            columns.append(f"coalesce(list_position($labels_{i}::varchar[], {quote(name)}), 0)::bigint")
            parameters[f"labels_{i}"] = list(labels)
    columns += [f"coalesce({quote(name)}::double, 'nan'::double)" for name in numbers]
    named = ", ".join(f"{column} as c{i}" for i, column in enumerate(columns))
    return f"select {named} from {source} where {condition}", parameters


def labels_statement(source: str, columns: Sequence[str], condition: str) -> str:
    """Give the statement that lists what texts some columns have, null among them."""
    lists = ", ".join(f"list(distinct {quote(name)}) as c{i}" for i, name in enumerate(columns))
    return f"select {lists} from {source} where {condition}"
