"""Models, their versions, and the snapshots these were trained on."""

import json
from dataclasses import asdict
from datetime import datetime

import pyarrow as pa

from mlops_core.config import parse_model_text
from mlops_core.entities import ModelSpec, Snapshot, Version
from mlops_core.errors import ConflictError, NotFoundError
from mlops_core.store.connection import Database, Transaction, list_values
from mlops_core.store.deployments import get_champion
from mlops_core.store.queries import get_query
from mlops_core.store.tables import create_tables

SNAPSHOT = ("id", "rows", "start", "end", "null_fractions", "created_at", "columns", "label_coverage", "origin")
"""Fields that the query gives with a prefix, beside those of the version."""


def add_model(transaction: Transaction, text: str, now: datetime) -> ModelSpec:
    """Store a model file's text and make the model's tables.

    Raises
    ------
    ConflictError
        When a model of this name exists.
    """
    spec = parse_model_text(text)
    if transaction.rows("get_model", {"name": spec.name}):
        raise ConflictError(f"The model {spec.name!r} exists already.")
    transaction.run("insert_model", {"name": spec.name, "spec": text, "at": now})
    create_tables(transaction, spec)
    return spec


def list_models(database: Database) -> list[ModelSpec]:
    """Give every model, by name."""
    return [parse_model_text(row["spec"]) for row in database.rows("list_models")]


def get_model(database: Database, name: str) -> ModelSpec:
    """Give one model.

    Raises
    ------
    NotFoundError
        With the names that exist.
    """
    found = database.rows("get_model", {"name": name})
    if not found:
        known = ", ".join(row["name"] for row in database.rows("list_models")) or "none"
        raise NotFoundError(f"There is no model {name!r}; the models are: {known}.", {"model": name})
    return parse_model_text(found[0]["spec"])


def find_model_text(source: Database | Transaction, name: str) -> str | None:
    """Give the text of a model's file as it was stored last; None when there is no such model."""
    found = source.rows("get_model", {"name": name})
    return str(found[0]["spec"]) if found else None


def replace_model_text(transaction: Transaction, name: str, text: str) -> None:
    """Store another text of a model's file; that its tables still fit is up to the caller."""
    transaction.run("update_model_text", {"name": name, "spec": text})


def add_version(transaction: Transaction, version: Version) -> None:
    """Store a version and its snapshot, in the caller's transaction.

    Raises
    ------
    ConflictError
        When the model has a version of this name.
    """
    if transaction.rows("get_version", {"model": version.model, "name": version.name}):
        raise ConflictError(f"The version {version.name!r} of {version.model!r} exists already.")
    snapshot = version.snapshot
    add_snapshot(transaction, snapshot)
    transaction.run(
        "insert_version",
        {
            "model": version.model,
            "name": version.name,
            "features": list(version.features),
            "parameters": json.dumps(dict(version.parameters)),
            "offline_metrics": json.dumps(dict(version.offline_metrics)),
            "snapshot_id": snapshot.id,
            "code_id": version.code_id,
            "artifact_hash": version.artifact_hash,
            "artifact_bytes": version.artifact_bytes,
            "libraries": json.dumps(dict(version.libraries)),
            "created_at": version.created_at,
            "created_by": version.created_by,
            "run": version.run,
        },
    )


def add_snapshot(transaction: Transaction, snapshot: Snapshot) -> None:
    """Store what is known of frozen rows, unless it is known already; rows that were deleted are there again."""
    key = {"snapshot_id": snapshot.id, "rows": snapshot.rows, "at": snapshot.created_at}
    transaction.run("bring_snapshot_back", key)
    if not transaction.rows("get_snapshot", {"model": snapshot.model, "id": snapshot.id}):
        documents = {name: json.dumps(dict(getattr(snapshot, name))) for name in ("null_fractions", "columns")}
        transaction.run("insert_snapshot", asdict(snapshot) | documents)


def get_snapshot(database: Database, model: str, digest: str) -> Snapshot:
    """Give what is known of frozen rows.

    Raises
    ------
    NotFoundError
        When the model has no such snapshot.
    """
    found = database.rows("get_snapshot", {"model": model, "id": digest})
    if not found:
        raise NotFoundError(f"{model} has no snapshot {digest!r}.", {"model": model, "snapshot": digest})
    documents = {name: json.loads(found[0][name]) for name in ("null_fractions", "columns")}
    return Snapshot(**(found[0] | documents))


def list_versions(database: Database, model: str) -> list[Version]:
    """Give a model's versions in the order they were registered."""
    return _read_versions(database.table(get_query("list_versions"), {"model": model}))


def get_version(database: Database, model: str, name: str) -> Version:
    """Give one version.

    Raises
    ------
    NotFoundError
        With the names that exist.
    """
    found = _read_versions(database.table(get_query("get_version"), {"model": model, "name": name}))
    if not found:
        known = ", ".join(row["name"] for row in database.rows("list_versions", {"model": model})) or "none"
        raise NotFoundError(
            f"{model} has no version {name!r}; its versions are: {known}.", {"model": model, "version": name}
        )
    return found[0]


def find_version_of_run(source: Database | Transaction, model: str, run: int) -> str | None:
    """Give the name of the version that a run has registered; None while there is none."""
    found = source.rows("find_version_of_run", {"model": model, "run": run})
    return found[0]["name"] if found else None


def get_champion_version(database: Database, model: str) -> Version | None:
    """Give the version in production; None when nothing is."""
    champion = get_champion(database, model)
    return get_version(database, model, champion.version) if champion else None


def _read_versions(table: pa.Table) -> list[Version]:
    columns = {name: list_values(table[name]) for name in table.column_names}
    columns["features"] = [tuple(features) for features in columns["features"]]
    for name in ("parameters", "offline_metrics", "libraries"):
        # One document of all is read several times as fast as one after the other.
        columns[name] = json.loads(f"[{','.join(columns[name])}]")
    snapshots: dict[str, Snapshot] = {}
    versions = []
    for values in zip(*columns.values(), strict=True):
        row = dict(zip(columns, values, strict=True))
        fields = {name: row.pop(f"snapshot_{name}") for name in SNAPSHOT}
        if fields["id"] not in snapshots:
            fields |= {name: json.loads(fields[name]) for name in ("null_fractions", "columns")}
            snapshots[fields["id"]] = Snapshot(model=row["model"], **fields)
        versions.append(Version(**row, snapshot=snapshots[fields["id"]]))
    return versions
