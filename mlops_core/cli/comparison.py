"""The commands that compare versions: decides how differences on the same rows look in a terminal."""

from argparse import Namespace

from mlops_core.cli.connection import Document, connect
from mlops_core.cli.outcome import Outcome
from mlops_core.cli.patience import tell_when_long
from mlops_core.cli.reports import locate_home, name_model, split_window
from mlops_core.cli.tables import Cell, lay_out, write_time
from mlops_core.entities import Metric
from mlops_core.words import write_difference, write_share

HEAD = ("Champion", "Challenger", "Difference", "95 % interval", "Verdict")


def run_compare(options: Namespace) -> Outcome:
    """Compare two versions on the rows that both have scored."""
    start, end = split_window(options.window)
    parameters = {"champion": options.champion, "challenger": options.challenger, "start": start, "end": end}
    words = f"{options.champion} and {options.challenger} score what they have not scored yet …"
    with connect(locate_home(options)) as connection, tell_when_long(words):
        document = connection.get(f"/models/{name_model(options)}/comparison", parameters, patiently=True)
    return Outcome(document=document, text=_write(document))


def run_rehearse(options: Namespace) -> Outcome:
    """Say what is to be known of a version before it goes into production; 1 when it could not serve."""
    with connect(locate_home(options)) as connection, tell_when_long(f"Rehearsing {options.to} …"):
        document = connection.get(f"/models/{name_model(options)}/rehearsal", {"to": options.to}, patiently=True)
    text = f"{document['sentence']}\n{document['detail']}".rstrip()
    if document["comparison"]:
        text += f"\n\n{_write(document['comparison'])}"
    text += "\n\n" + "\n".join(
        f"{'failed' if not check['passed'] else 'look' if check['is_doubt'] else 'ok':<7} {check['detail']}"
        for check in document["preflight"]
    )
    return Outcome(document=document, text=text, exit_code=0 if document["passed"] else 1)


def _write(document: Document) -> str:
    rows = [[Metric(one["metric"]).label, *_write_difference(one)] for one in document["metrics"]]
    flips, window = document["flips"], document["window"]
    text = f"{document['challenger']} − {document['champion']} on the same {document['n']:,} rows, "
    text += f"{write_time(window['start'])} to {write_time(window['end'])} UTC; positive is better\n"
    if document["n_logged"]:
        text += f"A sample of {document['n_logged']:,} rows, by chunk.\n"
    for name, lacks in document["missing"].items():
        text += f"{name} scored without {', '.join(lacks)}, which no row has.\n" if lacks else ""
    for name in document["learned"]:
        text += f"{name} was trained on rows of this time, which may flatter it.\n"
    text += "\n"
    text += lay_out(["Metric", *HEAD], rows, right=HEAD[:3])
    text += f"\n\n{flips['n']:,} decisions flip, {write_share(flips['share'])}."
    if document["segments"]:
        parts = [[one["segment"], f"{one['n']:,}", *_write_difference(one)] for one in document["segments"]]
        column = document["segments"][0]["column"]
        metric = Metric(document["segments"][0]["metric"]).label
        text += f"\n\n{metric} by {column}, the worst first\n\n"
        text += lay_out(["Segment", "n", *HEAD], parts, right=["n", *HEAD[:3]])
    return text


def _write_difference(one: Document) -> list[Cell]:
    interval = None
    if one["low"] is not None:
        interval = f"[{write_difference(one['low'], 3)}, {write_difference(one['high'], 3)}]"
    return [
        _write_figure(one["champion"]),
        _write_figure(one["challenger"]),
        None if one["difference"] is None else write_difference(one["difference"], 3),
        interval,
        one["verdict"],
    ]


def _write_figure(value: float | None) -> Cell:
    return None if value is None else f"{value:.3f}"
