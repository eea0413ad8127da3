"""The command that compares features: decides how drift looks in a terminal."""

from argparse import Namespace
from contextlib import nullcontext

from mlops_core.cli.connection import connect
from mlops_core.cli.outcome import Outcome
from mlops_core.cli.patience import tell_when_long
from mlops_core.cli.reports import locate_home, name_model, split_window
from mlops_core.cli.tables import Cell, lay_out, write_time
from mlops_core.entities import Status
from mlops_core.words import write_difference


def run_drift(options: Namespace) -> Outcome:
    """Report the drift of every feature, those first whose drift is expected to cost most."""
    is_version = options.reference is not None and ".." not in options.reference
    reference, current = split_window(None if is_version else options.reference), split_window(options.current)
    parameters = {
        "reference_version": options.reference if is_version else None,
        "reference_start": reference[0],
        "reference_end": reference[1],
        "start": current[0],
        "end": current[1],
        "segment": options.segment,
        "exact": "true" if options.exact else None,
    }
    waiting = tell_when_long("Reading the rows of both sides …") if options.exact else nullcontext()
    with connect(locate_home(options)) as connection, waiting:
        document = connection.get(f"/models/{name_model(options)}/drift", parameters)
    features = document["features"]
    rows = [
        [
            one["feature"],
            None if one["impact"] is None else write_difference(one["impact"], 3),
            _write_figure(one["psi"]),
            _write_figure(one["effect"]),
            _write_figure(one["limit"]),
            _write_figure(one["null_fraction_current"]),
            one["status"],
            one["reason"],
        ]
        for one in features
    ]
    head = ["Feature", "Impact", "PSI", "Effect", "Limit", "Null", "Status", "Reason"]
    text = "\n".join(f"{name}: {_write_side(document[name.lower()])}" for name in ("Reference", "Current"))
    text += f"\nBinning: {document['binning']}" if options.exact else ""
    text += "\n\n" + lay_out(head, rows, right=head[1:6])
    is_alert = any(one["status"] == Status.ALERT for one in features)
    return Outcome(document=document, text=text, exit_code=1 if options.fail_on == "alert" and is_alert else 0)


def _write_side(side: dict[str, str]) -> str:
    return f"{write_time(side['start'])} to {write_time(side['end'])} UTC, {side['n']:,} rows"


def _write_figure(value: float | None) -> Cell:
    return None if value is None else f"{value:.3f}"
