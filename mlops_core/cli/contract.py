"""The command of the contract: decides how it is told, and how a file says what is to change."""

import json
from argparse import Namespace
from datetime import datetime
from pathlib import Path

from mlops_core.cli.connection import Document, connect
from mlops_core.cli.outcome import Outcome
from mlops_core.cli.reports import find_model, locate_home, name_model
from mlops_core.cli.tables import Cell, lay_out, write_time
from mlops_core.contracts import FeatureKind, FeatureTerms, TrafficTerms
from mlops_core.errors import InputError
from mlops_core.services.contract_words import TERM_COLUMNS, list_traffic_terms, write_setter, write_terms

ONLY_TOLD = ("reference", "edited")
"""Parts of the printed document that a file may have, and that cannot be set."""


def run_contract(options: Namespace) -> Outcome:
    """Say what is asked of a model's traffic, or change it."""
    path = f"/models/{name_model(options)}/contract"
    is_change = options.set is not None or options.propose
    if is_change and options.reason is None:
        raise InputError("A change needs --reason.")
    if options.reason is not None and not is_change:
        raise InputError("Name --set FILE or --propose.")
    body = _read_file(options) if options.set is not None else {"propose": options.propose}
    version = options.version or body.get("version")
    with connect(locate_home(options)) as connection:
        document = connection.get(path, {"version": version})
        if is_change:
            body = _leave_out_unchanged(body, document) | {"version": document["version"], "reason": options.reason}
            document = connection.post(path, body)
        model = find_model(connection, options.model)
    return Outcome(document=document, text=_tell(document, model["chunk"]))


def _leave_out_unchanged(body: Document, document: Document) -> Document:
    """Leave out features that are as they were: a whole contract may be larger than a request may be."""
    features = body.get("features")
    if body.get("propose") or not isinstance(features, list):
        return body
    return body | {"features": [one for one in features if one not in document["features"]]}


def _read_file(options: Namespace) -> Document:
    """Read what is to change: the body of a request, or what was printed before and then changed."""
    try:
        body: Document = json.loads(Path(options.set).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"The file {options.set} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise InputError(f"The file {options.set} is not JSON in UTF-8: {error}.") from error
    if not isinstance(body, dict):
        raise InputError(f"The file {options.set} holds no JSON object; accepted is one as --json prints it.")
    if body.pop("model", options.model) != options.model:
        raise InputError(f"The file {options.set} is the contract of another model than {options.model}.")
    if "revision" in body:
        body["expected_revision"] = body.pop("revision")
    return {name: value for name, value in body.items() if name not in ONLY_TOLD}


def _tell(document: Document, chunk: str) -> str:
    setters = {
        one["feature"]: write_setter(one["actor"], datetime.fromisoformat(one["at"])) for one in document["edited"]
    }
    rows: list[list[Cell]] = [
        [*write_terms(_read_terms(one)), setters.get(one["feature"], "proposed")] for one in document["features"]
    ]
    traffic = TrafficTerms(**document["traffic"])
    setter = f"set by {setters[None]}" if None in setters else "proposed"
    told = [f"Of all rows, {setter}:"]
    told += [f"  {name}: {value}" for name, value in list_traffic_terms(traffic, chunk)]
    head = f"The contract of {document['model']} {document['version']}"
    if document["reference"]:
        head += f", proposed from {_name_reference(document['reference'])}"
    table = (
        lay_out(TERM_COLUMNS, rows) if rows else "Nothing is asked of features: there is no reference to propose from."
    )
    return f"{head}\n\n{table}\n\n" + "\n".join(told)


def _read_terms(document: Document) -> FeatureTerms:
    return FeatureTerms(**(document | {"kind": FeatureKind(document["kind"])}))


def _name_reference(reference: Document) -> str:
    if reference["version"]:
        return f"the training rows of {reference['version']}: {reference['n']:,} rows"
    span = f"{write_time(reference['start'])} to {write_time(reference['end'])} UTC"
    return f"the traffic from {span}: {reference['n']:,} rows"
