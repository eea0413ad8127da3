"""The command that checks traffic: decides how the findings of each chunk look in a terminal."""

from argparse import Namespace

from mlops_core.checks.findings import Check
from mlops_core.cli.connection import Document, connect
from mlops_core.cli.outcome import Outcome
from mlops_core.cli.reports import find_model, locate_home, name_model, split_window
from mlops_core.cli.tables import Cell, lay_out, write_chunk
from mlops_core.entities import Status

WORTH_TELLING = (Status.WARNING, Status.ALERT)


def run_quality(options: Namespace) -> Outcome:
    """Report what the checks find in each chunk, the oldest first."""
    start, end = split_window(options.window)
    parameters = {"version": options.version, "start": start, "end": end, "segment": options.segment}
    with connect(locate_home(options)) as connection:
        document = connection.get(f"/models/{name_model(options)}/quality", parameters)
        model = find_model(connection, options.model)
    found = [(chunk, check) for chunk in document["chunks"] for check in chunk["checks"]]
    shown = [(chunk, check) for chunk, check in found if options.all or Status(check["status"]) in WORTH_TELLING]
    n_chunks = len(document["chunks"])
    chunks = f"{n_chunks} {model['chunk']}{'' if n_chunks == 1 else 's'}"
    text = f"{options.model} {document['version']}, {chunks} in {model['timezone']}, {len(found):,} checks\n\n"
    if shown:
        rows = [_write_row(chunk, check, model) for chunk, check in shown]
        head = [model["chunk"].capitalize(), "n", "Check", "Feature", "Status", "Reason"]
        text += lay_out(head, rows, right=["n"])
    else:
        text += "No check found anything." if found else f"{document['version']} has no traffic there."
    is_alert = any(check["status"] == Status.ALERT for _, check in found)
    return Outcome(document=document, text=text, exit_code=1 if options.fail_on == "alert" and is_alert else 0)


def _write_row(chunk: Document, check: Document, model: Document) -> list[Cell]:
    return [
        write_chunk(chunk["start"], model["timezone"], model["chunk"]),
        f"{chunk['n']:,}",
        Check(check["code"]).label,
        check["feature"],
        check["status"],
        check["reason"],
    ]
