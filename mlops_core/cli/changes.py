"""The commands that change production: decides what they tell afterwards."""

from argparse import Namespace

from mlops_core.cli.connection import connect
from mlops_core.cli.outcome import Outcome
from mlops_core.cli.reports import locate_home, name_model


def run_rollback(options: Namespace) -> Outcome:
    """Put a version back into production."""
    return _change(options, "rollback")


def run_promote(options: Namespace) -> Outcome:
    """Put a version into production."""
    return _change(options, "promote")


def _change(options: Namespace, action: str) -> Outcome:
    body = {"to": options.to, "reason": options.reason}
    if options.expected_champion is not None:
        body["expected_champion"] = options.expected_champion
    with connect(locate_home(options)) as connection:
        document = connection.post(f"/models/{name_model(options)}/{action}", body, options.key)
    instead = f" instead of {document['previous']}" if document["previous"] else ""
    text = f"{document['version']} is in production of {document['model']}{instead}, "
    text += f"deployment {document['deployment']}."
    if document["undo"]:
        undo = document["undo"]
        text += f"\nTo undo: {undo['action']} {document['model']} --to {undo['to']} --reason …"
    return Outcome(document=document, text=text)
