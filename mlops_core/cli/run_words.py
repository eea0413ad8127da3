"""Training runs in a terminal: decides what of a run, its log, and the history is told."""

from mlops_core.cli.connection import Document
from mlops_core.cli.tables import Cell, lay_out, write_time
from mlops_core.entities import Metric
from mlops_core.runs import RunStatus

SHOWN_HASH = 12
"""Characters."""


def tell_run(document: Document) -> str:
    """Tell one run: what was asked, its steps, its candidates, the gate, and how it ended."""
    parts = [_tell_order(document), _tell_steps(document)]
    if document["leaderboard"]:
        parts.append(_tell_leaderboard(document))
    if document["gate"]["reasons"]:
        parts.append(_tell_gate(document["gate"]))
    return "\n\n".join([*parts, _tell_end(document)])


def tell_history(document: Document) -> str:
    """Tell the runs of a model as a table, the newest first."""
    rows: list[list[Cell]] = [
        [
            str(run["run"]),
            run["status"],
            write_time(run["at"]),
            f"{run['actor']} ({run['channel']})",
            run["reason"],
            run["version"],
            run["outcome"],
        ]
        for run in document["runs"]
    ]
    if not rows:
        return f"{document['model']} was never trained here. To order a run: retrain {document['model']} --reason …"
    return lay_out(["Run", "Status", "At (UTC)", "Who", "Why", "Version", "Outcome"], rows, right=["Run"])


def tell_log(document: Document) -> str:
    """Tell what a run has told, oldest first."""
    rows: list[list[Cell]] = [
        [
            line["at"][:19].replace("T", " "),
            line["step"],
            line["status"],
            None if line["fraction"] is None else f"{line['fraction']:.0%}",
            line["words"] or None,
        ]
        for line in document["log"]
    ]
    if not rows:
        return f"Run {document['run']} has told nothing."
    return lay_out(["Time (UTC)", "Step", "Status", "Done", "Words"], rows, right=["Done"])


def _tell_order(document: Document) -> str:
    when = f"{write_time(document['at'])} UTC, by {document['actor']} ({document['channel']})"
    lines = [f"Run {document['run']} of {document['model']}, {when}: {document['reason']}"]
    if document["snapshot"]:
        frozen = document["snapshot"]
        span = f"{write_time(frozen['start'])} to {write_time(frozen['end'])} UTC"
        lines.append(f"Trained on {frozen['rows']:,} labelled rows, {span}, snapshot {frozen['id']}")
    return "\n".join(lines)


def _tell_steps(document: Document) -> str:
    rows: list[list[Cell]] = [[step["step"], step["status"], step["words"] or None] for step in document["steps"]]
    return lay_out(["Step", "Status", "What"], rows)


def _tell_leaderboard(document: Document) -> str:
    trials = document["leaderboard"]
    label = Metric(trials[0]["metric"]).label
    rows: list[list[Cell]] = [
        [
            f"{trial['candidate']} *" if trial["is_best"] else trial["candidate"],
            None if trial["mean"] is None else f"{trial['mean']:.3f}",
            f"{len(trial['features'])}",
            f"{trial['seconds']:.1f}",
            trial["error"],
        ]
        for trial in trials
    ]
    head = ["Candidate", f"Mean {label}", "Features", "Seconds", "Failed because"]
    return lay_out(head, rows, right=head[1:4])


def _tell_gate(gate: Document) -> str:
    lines = [f"{'ok' if reason['passed'] else 'refused':<8} {reason['words']}" for reason in gate["reasons"]]
    return "\n".join(["The gate:", *lines])


def _tell_end(document: Document) -> str:
    status = RunStatus(document["status"])
    told = f"Run {document['run']} is {status.value}" if not status.is_over else f"Run {document['run']} {_END[status]}"
    return f"{told}: {document['outcome']}" if document["outcome"] else f"{told}."


_END = {
    RunStatus.SUCCEEDED: "has succeeded",
    RunStatus.REFUSED: "was refused by the gate",
    RunStatus.FAILED: "has failed",
    RunStatus.CANCELLED: "was cancelled",
}
