"""The commands of training runs: decides how an order is told, waited for, and given up."""

from argparse import Namespace

from mlops_core.cli.connection import Connection, connect
from mlops_core.cli.outcome import Outcome
from mlops_core.cli.reports import locate_home, name_model
from mlops_core.cli.run_progress import follow_run
from mlops_core.cli.run_words import tell_history, tell_log, tell_run
from mlops_core.errors import InputError
from mlops_core.runs import RunStatus


def run_retrain(options: Namespace) -> Outcome:
    """Order a training run, and wait for its end when asked to; 1 when no version has passed the gate then."""
    body = {
        "reason": options.reason,
        "window": options.window,
        "candidates": options.candidate,
        "snapshot": options.snapshot,
    }
    with connect(locate_home(options)) as connection:
        document = connection.post(f"/models/{name_model(options)}/retrain", body, options.key)
        run = document["run"]
        if not options.wait:
            return Outcome(document=document, text=_tell_ordered(connection, options.model, run))
        document = follow_run(connection, options.model, run)
    has_passed = document["status"] == RunStatus.SUCCEEDED
    return Outcome(document=document, text=tell_run(document), exit_code=0 if has_passed else 1)


def run_runs(options: Namespace) -> Outcome:
    """List the training runs of a model, show one, or cancel one."""
    path = f"/models/{name_model(options)}/runs"
    _check(options)
    with connect(locate_home(options)) as connection:
        if options.cancel is not None:
            document = connection.post(f"{path}/{options.cancel}/cancel", {"reason": options.reason})
            return Outcome(document=document, text=f"Run {document['run']} is cancelled.")
        if options.number is None:
            document = connection.get(path)
            return Outcome(document=document, text=tell_history(document))
        document = connection.get(f"{path}/{options.number}", {"log": "true" if options.log else None})
    return Outcome(document=document, text=tell_log(document) if options.log else tell_run(document))


def _check(options: Namespace) -> None:
    if options.cancel is not None and options.reason is None:
        raise InputError("To cancel a run needs --reason.")
    if options.reason is not None and options.cancel is None:
        raise InputError("--reason goes with --cancel N.")
    if options.log and options.number is None:
        raise InputError("--log goes with --run N.")


def _tell_ordered(connection: Connection, model: str, run: int) -> str:
    text = f"Run {run} of {model} is ordered; `runs {model} --run {run}` says where it stands."
    if connection.url is None:
        text += "\nNo app is running: the next start of the app carries it out. With --wait this command does."
    return text
