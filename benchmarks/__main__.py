"""`python -m benchmarks`: decides which measurements are run, and where their tables go."""

import argparse
import json
import re
import sys
from importlib import import_module

from benchmarks.rows import Row, describe_machine, write_table
from mlops_core.config import PROJECT

NAMES = ("seed", "start", "rollback", "rehearsal", "training", "profile", "features", "series", "costs", "alarms")
PAGE = PROJECT / "docs" / "benchmarks.md"


def main() -> None:
    """Measure what was asked for."""
    options = read_options()
    results: dict[str, list[Row]] = {}
    for name in options.names or NAMES:
        module = import_module(f"benchmarks.{name}")
        print(f"Measuring {name} …", file=sys.stderr, flush=True)
        results[name] = module.measure()
        if not options.json:
            print(f"\n{module.TITLE}\n\n{write_table(results[name])}", flush=True)
    if options.json:
        print(json.dumps({name: [row.describe() for row in rows] for name, rows in results.items()}))
    if options.write:
        write_page(results)


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure Driftdeck against its targets.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(NAMES)} (default: all)")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of tables")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/benchmarks.md")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(NAMES))
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}; accepted are {', '.join(NAMES)}")
    return options


def write_page(results: dict[str, list[Row]]) -> None:
    """Replace the tables of the page, and what they were measured on."""
    text = PAGE.read_text(encoding="utf-8")
    blocks = {name: write_table(rows) for name, rows in results.items()} | {"machine": describe_machine()}
    for name, block in blocks.items():
        place = re.compile(rf"<!-- {name} -->\n.*?<!-- end -->", re.DOTALL)
        text, found = place.subn(lambda _, name=name, block=block: f"<!-- {name} -->\n{block}\n<!-- end -->", text)
        if found != 1:
            raise ValueError(f"{PAGE.name} has {found} blocks '<!-- {name} -->'; it needs one.")
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
