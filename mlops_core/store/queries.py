"""Where the SQL is: decides that a statement lives in a file under sql/ and is called by its name."""

import re
from functools import cache
from importlib.resources import files

_NAME = re.compile(r"^-- name: (?P<name>\w+)$", re.MULTILINE)


@cache
def load_queries() -> dict[str, str]:
    """Read every named statement of sql/*.sql.

    Raises
    ------
    ValueError
        When two statements have the same name.
    """
    queries: dict[str, str] = {}
    for file in sorted(files("mlops_core.store").joinpath("sql").iterdir(), key=lambda entry: entry.name):
        if not file.name.endswith(".sql"):
            continue
        parts = _NAME.split(file.read_text(encoding="utf-8"))[1:]
        for name, statement in zip(parts[::2], parts[1::2], strict=True):
            if name in queries:
                raise ValueError(f"Two statements are named {name!r}; the second is in {file.name}.")
            queries[name] = statement.strip().rstrip(";")
    return queries


def get_query(name: str) -> str:
    """Give the statement with this name."""
    return load_queries()[name]
