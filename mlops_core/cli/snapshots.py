"""The commands of training rows: decides how snapshots, their differences, and an erasure look in a terminal."""

from argparse import Namespace

from mlops_core.cli.connection import Document, connect
from mlops_core.cli.outcome import Outcome
from mlops_core.cli.patience import tell_when_long
from mlops_core.cli.reports import SHOWN_HASH, locate_home, name_model
from mlops_core.cli.tables import lay_out, write_time
from mlops_core.errors import InputError
from mlops_core.words import write_difference, write_share

MOST_FEATURES = 10
"""Features of a difference that are shown; `--json` has all."""


def run_snapshots(options: Namespace) -> Outcome:
    """List a model's snapshots, or compare two of them."""
    path = f"/models/{name_model(options)}/snapshots"
    if options.diff:
        first, second = options.diff
        with connect(locate_home(options)) as connection, tell_when_long(f"Comparing {first} and {second} …"):
            document = connection.get(f"{path}/difference", {"first": first, "second": second}, patiently=True)
        return Outcome(document=document, text=_write_difference(document))
    with connect(locate_home(options)) as connection:
        document = connection.get(path)
    return Outcome(document=document, text=_write_list(document))


def run_erase(options: Namespace) -> Outcome:
    """Erase one prediction from a model's rows and snapshots."""
    if options.reason is None and not options.dry_run:
        raise InputError("An erasure needs --reason; with --dry-run nothing is erased and none is needed.")
    body = {
        "prediction_id": options.prediction_id,
        "reason": options.reason or "dry run",
        "dry_run": options.dry_run,
    }
    with connect(locate_home(options)) as connection, tell_when_long("Erasing …"):
        document = connection.post(f"/models/{name_model(options)}/erase", body)
    return Outcome(document=document, text=_write_erasure(document))


def _write_list(document: Document) -> str:
    if not document["snapshots"]:
        return f"{document['model']} has no snapshot yet."
    rows = [
        [
            one["id"][:SHOWN_HASH],
            f"{one['rows']:,}",
            write_time(one["start"]),
            write_time(one["end"]),
            None if one["label_coverage"] is None else write_share(one["label_coverage"]),
            str(len(one["columns"])) if one["columns"] else None,
            None if one["file_bytes"] is None else f"{one['file_bytes'] / 1e6:.1f} MB",
            ", ".join(str(number) for number in one["runs"]) or None,
            ", ".join(one["versions"]) or None,
            _write_state(one),
        ]
        for one in document["snapshots"]
    ]
    head = ["Snapshot", "Rows", "From", "To", "Labelled", "Columns", "Size", "Runs", "Versions", "State"]
    return f"{lay_out(head, rows, right=['Rows', 'Labelled', 'Columns', 'Size'])}\n\nTimes are in UTC."


def _write_state(one: Document) -> str:
    if one["rows_gone_since"]:
        return f"rows deleted {write_time(one['rows_gone_since'])}"
    if one["file_bytes"] is None:
        return "file is missing"
    return f"{one['erasures']:,} erased" if one["erasures"] else "as frozen"


def _write_difference(document: Document) -> str:
    text: str = document["sentence"]
    columns = document["columns"]
    for side in ("first", "second"):
        if columns[f"only_{side}"]:
            text += f"\nColumns only in the {side}: {', '.join(columns[f'only_{side}'])}."
    for one in columns["types"]:
        text += f"\nThe column {one['column']} is {one['first']} in the first, {one['second']} in the second."
    coverage = [document[side]["label_coverage"] for side in ("first", "second")]
    if None not in coverage:
        text += f"\nRows with a label: {' → '.join(write_share(share) for share in coverage)}."
    if document["shifts"]:
        shown = [
            [
                one["feature"],
                None if one["effect"] is None else write_difference(one["effect"], 3),
                " → ".join(f"{share:.1%}" for share in one["null_fractions"]),
            ]
            for one in document["shifts"][:MOST_FEATURES]
        ]
        text += f"\n\n{lay_out(['Feature', 'Effect', 'Empty'], shown, right=['Effect'])}"
    return text


def _write_erasure(document: Document) -> str:
    rows, files = document["rows"], document["snapshots"]
    if not files and not any(rows.values()):
        return f"It was erased on {write_time(document['erased_at'])} UTC already; nothing was changed."
    amount = ", ".join(f"{rows[kind]:,} {kind}" for kind in ("predictions", "labels", "replays"))
    text = f"{'Erased' if document['erased_at'] else 'Not erased yet'}: {amount}, and rows of {len(files)} snapshots."
    for one in files:
        text += f"\n{one['id'][:SHOWN_HASH]}… holds {one['rows']:,} rows without it, {one['content'][:SHOWN_HASH]}…"
    return text + "\nWhat was counted stays counted; counts hold no ids."
