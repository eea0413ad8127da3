"""The commands that keep a home small: decides how retention and compaction are told."""

from argparse import Namespace

from mlops_core.cli.connection import Document, connect, find_running_app
from mlops_core.cli.outcome import Outcome
from mlops_core.cli.reports import locate_home, name_model
from mlops_core.errors import HomeError, InputError

FOREVER = "forever"
KINDS = ("row_days", "profile_days", "snapshot_days")


def run_retention(options: Namespace) -> Outcome:
    """Say how long a model's data is kept, or change it and delete what is older."""
    path = f"/models/{name_model(options)}/retention"
    given = {name: getattr(options, name) for name in KINDS}
    is_change = any(days is not None for days in given.values())
    if is_change and not options.dry_run and options.reason is None:
        raise InputError("A change needs --reason; with --dry-run nothing is changed and none is needed.")
    if not is_change and (options.dry_run or options.reason is not None):
        raise InputError("Name --row-days, --profile-days, --snapshot-days, or several of them.")
    with connect(locate_home(options)) as connection:
        document = connection.get(path)
        if is_change:
            days = {name: document[name] if text is None else _read_days(name, text) for name, text in given.items()}
            body = {**days, "reason": options.reason or "dry run", "dry_run": options.dry_run}
            document = connection.post(path, body)
    return Outcome(document=document, text=_tell(document))


def run_compact(options: Namespace) -> Outcome:
    """Write the database anew without the room that deleted data has left."""
    home = locate_home(options)
    url = find_running_app(home)
    if url:
        raise HomeError(f"The app at {url} has the home open. Stop it, compact, and start it again.")
    if not home.database.exists():
        raise InputError(f"There is no home at {home.path}. Name another with --home.")
    from mlops_core.store.compaction import compact

    before, after = compact(home.database, home.running)
    document = {"database": str(home.database), "bytes_before": before, "bytes_after": after}
    return Outcome(
        document=document, text=f"{home.database}: {before / 1e6:,.1f} MB before, {after / 1e6:,.1f} MB now."
    )


def _read_days(name: str, text: str) -> int | None:
    if text == FOREVER:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 6:
        option = f"--{name.replace('_', '-')}"
        raise InputError(f"{option} is {text!r}; accepted are whole days, or {FOREVER!r}.")
    return int(text)


def _tell(document: Document) -> str:
    rows, counts, training = (FOREVER if document[name] is None else f"{document[name]:,} days" for name in KINDS)
    old = document["old"]
    amount = (
        f"{old['rows']:,} predictions, {old['labels']:,} labels, {old['replays']:,} replayed scores, "
        f"the counts of {old['profile_chunks']:,} chunks, and the training rows of {old['snapshots']:,} snapshots"
    )
    if not any(old.values()):
        told = "Nothing is older."
    else:
        told = f"{'Deleted' if document['deleted'] else 'Older, and not deleted'}: {amount}."
    return f"{document['model']} keeps rows {rows}, counts {counts}, training rows {training}.\n{told}"
