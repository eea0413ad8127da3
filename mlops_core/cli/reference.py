"""The command of the standing reference: decides how it is told."""

from argparse import Namespace

from mlops_core.cli.connection import Document, connect
from mlops_core.cli.outcome import Outcome
from mlops_core.cli.patience import tell_when_long
from mlops_core.cli.reports import locate_home, name_model
from mlops_core.cli.tables import write_time
from mlops_core.errors import InputError


def run_reference(options: Namespace) -> Outcome:
    """Say what a model's traffic is compared with, or choose it."""
    path = f"/models/{name_model(options)}/reference"
    is_change = options.set is not None or options.default
    if is_change and options.reason is None:
        raise InputError("A change needs --reason.")
    if options.reason is not None and not is_change:
        raise InputError("Name --set A..B, --set V, or --default.")
    with connect(locate_home(options)) as connection:
        if is_change:
            with tell_when_long("Counting the reference, and judging traffic by it …"):
                document = connection.post(path, {"reference": options.set, "reason": options.reason})
        else:
            document = connection.get(path)
    return Outcome(document=document, text=_tell(document))


def _tell(document: Document) -> str:
    name, rows = document["model"], document["n"]
    span = f"{write_time(document['start'])} to {write_time(document['end'])} UTC"
    if rows is None:
        missing = f"the traffic from {span}, of which nothing is counted" if document["kind"] else "nothing yet"
        return f"{name} is compared with {missing}."
    what = f"the training rows of {document['version']}" if document["version"] else "its traffic"
    since = f"since {write_time(document['since'])} UTC"
    by = {
        "chosen": f"Chosen by {document['actor']} ({document['channel']}): {document['reason']}",
        "model file": "The model file names it",
        "default": "The default, as nobody has chosen another",
    }[document["origin"]]
    return (
        f"{name} is compared with {what}: {rows:,} rows, {span}.\n"
        f"{by}. In force {since}.\n"
        f"Its bins are {document['binning']}."
    )
