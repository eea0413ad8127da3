"""The command of the challenger: decides how it is told."""

from argparse import Namespace

from mlops_core.cli.connection import Document, connect
from mlops_core.cli.outcome import Outcome
from mlops_core.cli.reports import locate_home, name_model
from mlops_core.cli.tables import write_time
from mlops_core.errors import InputError


def run_challenger(options: Namespace) -> Outcome:
    """Say which version is tried on live traffic, choose it, or end the trial."""
    path = f"/models/{name_model(options)}/challenger"
    is_change = options.set is not None or options.stop
    if is_change and options.reason is None:
        raise InputError("A change needs --reason.")
    if options.reason is not None and not is_change:
        raise InputError("Name --set V or --stop.")
    with connect(locate_home(options)) as connection:
        if is_change:
            document = connection.post(path, {"version": options.set, "reason": options.reason})
        else:
            document = connection.get(path)
    return Outcome(document=document, text=_tell(document))


def _tell(document: Document) -> str:
    text: str = document["sentence"]
    if document["challenger"] is None:
        return text
    since = write_time(document["since"])
    by = f"The challenger since {since} UTC, by {document['actor']} ({document['channel']}): {document['reason']}"
    return f"{text}\n{document['detail']}\n{by}."
