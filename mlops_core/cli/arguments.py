"""The commands and their options: decides their names and what is wrong usage."""

import argparse
import textwrap
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NoReturn, cast

from mlops_core.cli.outcome import Outcome
from mlops_core.errors import InputError

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8501

Command = Callable[[argparse.Namespace], Outcome]


class UsageError(InputError):
    """The command line is not of the accepted form."""

    code = "wrong_usage"

    def __init__(self, message: str, usage: str) -> None:
        super().__init__(message)
        self.usage = usage


class _Parser(argparse.ArgumentParser):
    """A parser that takes no abbreviations and raises instead of ending the process."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=_lay_out_help, **settings)

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message[:1].upper()}{message[1:]}.", self.format_usage())


def _lay_out_help(prog: str) -> argparse.HelpFormatter:
    return argparse.HelpFormatter(prog, max_help_position=28)


def parse_arguments(given: Sequence[str]) -> argparse.Namespace:
    """Read the command line; `run` of the result is the command to call with it.

    Raises
    ------
    UsageError
        When it is not of the accepted form; without a command the usage is the whole help.
    """
    parser = _build_parser()
    for argument in given:
        if argument != argument.encode("utf-8", "replace").decode("utf-8"):
            raise UsageError(f"The argument {argument!r} is not text in UTF-8.", parser.format_usage())
    options = parser.parse_args(given)
    if not hasattr(options, "run"):
        raise UsageError("A command is needed.", parser.format_help())
    return options


def _build_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m mlops_core",
        description="Watch machine learning models in production, and change what is in production.",
        epilog="Exit codes: 0 done; 1 a preflight, gate, or verification says no; 2 wrong usage.",
    )
    _add_common(parser)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=_Parser)
    _add_running(commands)
    _add_reports(commands)
    _add_changes(commands)
    _add_training(commands)
    _add_upkeep(commands)
    _add_checks(commands)
    return parser


def _add_running(commands: "argparse._SubParsersAction[_Parser]") -> None:
    up = _add(commands, "up", "serve:run_up", "serve the pages and the API until Ctrl+C or SIGTERM")
    _add_address(up)
    up.add_argument(
        "--check-every",
        metavar="SECONDS",
        help="look for new rows and labels this often, 0 never; else DRIFTDECK_CHECK_EVERY, else 60",
    )
    up.add_argument("--demo", action="store_true", help="seed the demo first when the home is empty")
    _add(commands, "demo", "demo:run_demo", "seed the demo into an empty home; 1 when it is not empty")
    init = _add(commands, "init", "models:run_init", "register a model from its file, or change one that exists")
    init.add_argument("file", metavar="MODEL.toml", help="the model file")
    init.add_argument("--reason", metavar="TEXT", help="why, for the audit log; needed to change a model that exists")


def _add_reports(commands: "argparse._SubParsersAction[_Parser]") -> None:
    versions = _add(commands, "versions", "reports:run_versions", "list versions and when they were in production")
    versions.add_argument("model", metavar="MODEL")
    performance = _add(commands, "performance", "reports:run_performance", "report performance by chunk")
    performance.add_argument("model", metavar="MODEL")
    performance.add_argument("--version", metavar="V", help="else the version in production")
    performance.add_argument("--chunk", metavar="SIZE", help="refuse when chunks are of another size")
    performance.add_argument("--window", metavar="A..B", help="ISO 8601; B is not included; UTC without a zone")
    performance.add_argument("--fail-on", choices=["alert"], help="end with 1 when a chunk has this status")
    drift = _add(commands, "drift", "drift:run_drift", "compare the features of one window with a reference")
    drift.add_argument("model", metavar="MODEL")
    drift.add_argument(
        "--reference",
        metavar="A..B|V",
        help="traffic, or the version whose training rows, to compare with; else the standing reference",
    )
    drift.add_argument("--current", metavar="A..B", help="traffic to look at; else the newest 7 chunks that are over")
    drift.add_argument("--segment", metavar="COLUMN=VALUE", help="only this part of the traffic")
    drift.add_argument("--exact", action="store_true", help="read the rows instead of what was counted of them")
    drift.add_argument("--fail-on", choices=["alert"], help="end with 1 when a feature has this status")
    compare = _add(commands, "compare", "comparison:run_compare", "compare two versions on the rows both have scored")
    compare.add_argument("model", metavar="MODEL")
    compare.add_argument("champion", metavar="CHAMPION", help="the version to compare with")
    compare.add_argument("challenger", metavar="CHALLENGER", help="differences are challenger − champion")
    compare.add_argument("--window", metavar="A..B", help="ISO 8601; else the newest labelled traffic, up to 3 weeks")
    rehearse = _add(commands, "rehearse", "comparison:run_rehearse", "say what a change would do, before it is made")
    rehearse.add_argument("model", metavar="MODEL")
    rehearse.add_argument("--to", metavar="V", required=True, help="the version that would go into production")
    quality = _add(commands, "quality", "quality:run_quality", "check live traffic against its contract, by chunk")
    quality.add_argument("model", metavar="MODEL")
    quality.add_argument("--version", metavar="V", help="else the version in production")
    quality.add_argument("--window", metavar="A..B", help="ISO 8601; else the newest 90 chunks")
    quality.add_argument("--segment", metavar="COLUMN=VALUE", help="only this part of the traffic")
    quality.add_argument("--all", action="store_true", help="list checks that found nothing too")
    quality.add_argument("--fail-on", choices=["alert"], help="end with 1 when a check has this status")


def _add_changes(commands: "argparse._SubParsersAction[_Parser]") -> None:
    for name, words in (
        ("rollback", "put a version back into production that was there before"),
        ("promote", "put a version into production"),
    ):
        change = _add(commands, name, f"changes:run_{name}", words)
        change.add_argument("model", metavar="MODEL")
        change.add_argument("--to", metavar="V", required=True, help="the version to put into production")
        change.add_argument("--reason", metavar="TEXT", required=True, help="why, for the audit log")
        change.add_argument("--key", metavar="K", help="requests with the same key are carried out once")
        change.add_argument(
            "--expected-champion", metavar="V", help="refuse when another version is in production by now"
        )
    challenger = _add(
        commands, "challenger", "challenger:run_challenger", "say or choose what is tried on live traffic"
    )
    challenger.add_argument("model", metavar="MODEL")
    choice = challenger.add_mutually_exclusive_group()
    choice.add_argument("--set", metavar="V", help="the version that scores in the shadow of the one in production")
    choice.add_argument("--stop", action="store_true", help="end the trial; what was scored stays")
    challenger.add_argument("--reason", metavar="TEXT", help="why, for the audit log; needed to change anything")


def _add_training(commands: "argparse._SubParsersAction[_Parser]") -> None:
    retrain = _add(commands, "retrain", "runs:run_retrain", "order a training run; with --wait 1 when nothing passed")
    retrain.add_argument("model", metavar="MODEL")
    retrain.add_argument("--window", metavar="A..B", help="ISO 8601; else all rows older than those kept for the gate")
    retrain.add_argument("--candidate", metavar="NAME", nargs="+", action="extend", default=[], help="try only these")
    retrain.add_argument("--snapshot", metavar="ID", help="train on the rows of an earlier run again")
    retrain.add_argument("--reason", metavar="TEXT", required=True, help="why, for the audit log")
    retrain.add_argument("--key", metavar="K", help="requests with the same key order one run")
    retrain.add_argument("--wait", action="store_true", help="end when the run is over, and tell its progress")
    runs = _add(commands, "runs", "runs:run_runs", "list training runs, show one, or cancel one")
    runs.add_argument("model", metavar="MODEL")
    choice = runs.add_mutually_exclusive_group()
    choice.add_argument("--run", metavar="N", dest="number", type=_read_run, help="show this one")
    choice.add_argument("--cancel", metavar="N", type=_read_run, help="cancel this one")
    runs.add_argument("--log", action="store_true", help="with --run: what it has told")
    runs.add_argument("--reason", metavar="TEXT", help="why, for the audit log; needed to cancel")


def _add_upkeep(commands: "argparse._SubParsersAction[_Parser]") -> None:
    contract = _add(commands, "contract", "contract:run_contract", "say or change what is asked of live traffic")
    contract.add_argument("model", metavar="MODEL")
    contract.add_argument("--version", metavar="V", help="else the version in production")
    change = contract.add_mutually_exclusive_group()
    change.add_argument("--set", metavar="FILE", help="JSON as --json prints it, changed; what it leaves out stays")
    change.add_argument("--propose", action="store_true", help="go back to what the reference proposes")
    contract.add_argument("--reason", metavar="TEXT", help="why, for the audit log; needed to change anything")
    reference = _add(commands, "reference", "reference:run_reference", "say or choose what traffic is compared with")
    reference.add_argument("model", metavar="MODEL")
    choice = reference.add_mutually_exclusive_group()
    choice.add_argument("--set", metavar="A..B|V", help="traffic that is over, or the version whose training rows")
    choice.add_argument("--default", action="store_true", help="what the model file names, else training rows")
    reference.add_argument("--reason", metavar="TEXT", help="why, for the audit log; needed to change anything")
    retention = _add(commands, "retention", "upkeep:run_retention", "say or set how long a model's data is kept")
    retention.add_argument("model", metavar="MODEL")
    retention.add_argument("--row-days", metavar="N", help="keep rows, labels, and replays so long; or forever")
    retention.add_argument("--profile-days", metavar="N", help="keep counts so long; or forever")
    retention.add_argument("--snapshot-days", metavar="N", help="keep training rows so long; or forever")
    retention.add_argument("--reason", metavar="TEXT", help="why, for the audit log; needed to change anything")
    retention.add_argument("--dry-run", action="store_true", help="only say what would be deleted")
    snapshots = _add(commands, "snapshots", "snapshots:run_snapshots", "list frozen training rows, or compare two")
    snapshots.add_argument("model", metavar="MODEL")
    snapshots.add_argument("--diff", nargs=2, metavar=("A", "B"), help="ids, their beginnings, or versions")
    erase = _add(commands, "erase", "snapshots:run_erase", "erase one prediction from rows and snapshots")
    erase.add_argument("model", metavar="MODEL")
    erase.add_argument("prediction_id", metavar="PREDICTION_ID")
    erase.add_argument("--reason", metavar="TEXT", help="why, for the audit log; the id is not kept there")
    erase.add_argument("--dry-run", action="store_true", help="only say what would be erased")
    _add(commands, "compact", "upkeep:run_compact", "give room that deleted data has left back to the disk")


def _add_checks(commands: "argparse._SubParsersAction[_Parser]") -> None:
    audit = _add(
        commands,
        "audit",
        "reports:run_audit",
        "list audit events; `audit verify` checks them, 1 when changed",
    )
    audit.add_argument("model", metavar="MODEL|verify", nargs="?", help="only of this model; or verify")
    audit.add_argument("--limit", metavar="N", help="how many of the newest, 1 to 1000")
    doctor = _add(commands, "doctor", "doctor:run_doctor", "check that everything is in order, else 1")
    _add_address(doctor)


def _add(commands: "argparse._SubParsersAction[_Parser]", name: str, target: str, words: str) -> _Parser:
    """Add a command whose function is imported when it runs."""
    command = commands.add_parser(name, help=words, description=textwrap.fill(f"{words[:1].upper()}{words[1:]}."))
    _add_common(command)
    module, function = target.split(":")

    def run(options: argparse.Namespace) -> Outcome:
        command = cast(Command, getattr(import_module(f"mlops_core.cli.{module}"), function))
        return command(options)

    command.set_defaults(run=run)
    return command


def _add_common(parser: argparse.ArgumentParser) -> None:
    nothing = argparse.SUPPRESS
    parser.add_argument("--home", metavar="DIR", default=nothing, help="else DRIFTDECK_HOME, else data/")
    parser.add_argument("--json", action="store_true", default=nothing, help="one JSON document on standard output")


def _add_address(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default=DEFAULT_HOST, help=f"{DEFAULT_HOST} by default")
    parser.add_argument("--port", type=_read_port, default=DEFAULT_PORT, help=f"{DEFAULT_PORT} by default")


def _read_run(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:10]) < 2**31:
        raise argparse.ArgumentTypeError(f"{text!r} is not the number of a run; accepted are 1, 2, …")
    return int(text)


def _read_port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; accepted are 0 to 65535")
    return int(text)
