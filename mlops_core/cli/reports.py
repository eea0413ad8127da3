"""The commands that only report: decides how versions, performance, and the audit log look in a terminal."""

from argparse import Namespace

from mlops_core.cli.connection import Connection, Document, connect
from mlops_core.cli.outcome import Outcome
from mlops_core.cli.tables import Cell, lay_out, write_chunk, write_estimate, write_time
from mlops_core.config import MODEL_NAME, Home
from mlops_core.entities import Metric, Status
from mlops_core.errors import InputError, NotFoundError

SHOWN_HASH = 12
"""Characters."""


def run_versions(options: Namespace) -> Outcome:
    """List a model's versions."""
    with connect(locate_home(options)) as connection:
        document = connection.get(f"/models/{name_model(options)}/versions")
        model = find_model(connection, options.model)
    metric = Metric(model["primary_metric"])
    rows = [
        [
            entry["version"],
            entry["state"],
            *_write_spans(entry["in_production"], model["timezone"]),
            _write_figure(entry["offline_metrics"].get(metric.value)),
            f"{entry['snapshot']['rows']:,}",
            write_time(entry["created_at"], model["timezone"]),
            entry["created_by"],
            entry["artifact_hash"][:SHOWN_HASH],
        ]
        for entry in document["versions"]
    ]
    head = ["Version", "State", "In production since", "Until", f"{metric.label} offline", "Trained on rows"]
    head += ["Registered", "By", "Artifact"]
    text = lay_out(head, rows, right=[f"{metric.label} offline", "Trained on rows"])
    return Outcome(document=document, text=f"{text}\n\nTimes are in {model['timezone']}.")


def run_performance(options: Namespace) -> Outcome:
    """Report realised performance by chunk."""
    start, end = split_window(options.window)
    parameters = {"version": options.version, "chunk": options.chunk, "start": start, "end": end}
    with connect(locate_home(options)) as connection:
        document = connection.get(f"/models/{name_model(options)}/performance", parameters)
        model = find_model(connection, options.model)
    metric = Metric(model["primary_metric"])
    rows = [
        [
            write_chunk(entry["start"], model["timezone"], model["chunk"]),
            f"{entry['n']:,}",
            f"{entry['n_labelled']:,}",
            write_estimate(entry["metrics"].get(metric.value)),
            entry["status"],
            entry["reason"],
        ]
        for entry in document["chunks"]
    ]
    version, chunk = document["version"], model["chunk"]
    head = [chunk.capitalize(), "n", "Labelled", metric.label, "Status", "Reason"]
    text = f"{options.model} {version}, {metric.label} by {chunk} in {model['timezone']}\n\n"
    text += lay_out(head, rows, right=["n", "Labelled"])
    is_alert = any(entry["status"] == Status.ALERT for entry in document["chunks"])
    exit_code = 1 if options.fail_on == "alert" and is_alert else 0
    return Outcome(document=document, text=text if rows else f"{version} has no traffic there.", exit_code=exit_code)


def run_audit(options: Namespace) -> Outcome:
    """List audit events, or check their chain."""
    if options.model == "verify":
        return _verify(options)
    with connect(locate_home(options)) as connection:
        document = connection.get("/audit", {"model": options.model, "limit": options.limit})
    rows = [
        [
            str(event["id"]),
            write_time(event["at"]),
            f"{event['actor']} ({event['channel']})",
            event["action"],
            event["model"],
            event["subject"],
            event["reason"],
        ]
        for event in document["events"]
    ]
    text = lay_out(["Line", "At (UTC)", "Who", "Did", "Model", "What", "Why"], rows, right=["Line"])
    return Outcome(document=document, text=text if rows else "The audit log is empty.")


def _verify(options: Namespace) -> Outcome:
    with connect(locate_home(options)) as connection:
        document = connection.get("/audit/verify")
    if document["intact"]:
        return Outcome(document=document, text=f"The audit log is intact: {document['lines']:,} lines.")
    text = f"The audit log was changed: line {document['broken_line']} does not follow from those before."
    return Outcome(document=document, text=text, exit_code=1)


def split_window(window: str | None) -> tuple[str | None, str | None]:
    """Split "A..B" into its ends; an end left out is open."""
    if window is None:
        return None, None
    start, dots, end = window.partition("..")
    if not dots or not (start or end):
        raise InputError(f"The window {window!r} is not of the form A..B, such as 2013-10-07..2013-10-28.")
    return start or None, end or None


def locate_home(options: Namespace) -> Home:
    """Give the home the command line names."""
    return Home.locate(getattr(options, "home", None))


def name_model(options: Namespace) -> str:
    """Give the model's name, which becomes part of an address."""
    if not MODEL_NAME.fullmatch(options.model):
        raise InputError(
            f"The model name {options.model!r} is not accepted: lower-case letters, digits, and hyphens only."
        )
    return str(options.model)


def find_model(connection: Connection, name: str) -> Document:
    """Give what the API says of one model."""
    models: list[Document] = connection.get("/models")["models"]
    for model in models:
        if model["name"] == name:
            return model
    raise NotFoundError(f"There is no model {name!r}.")


def _write_spans(spans: list[dict[str, str]], timezone: str) -> tuple[Cell, Cell]:
    """Write the newest span."""
    if not spans:
        return None, None
    return write_time(spans[-1]["start"], timezone), write_time(spans[-1]["end"], timezone)


def _write_figure(value: float | None) -> Cell:
    return None if value is None else f"{value:.3f}"
