"""Registering models and versions: decides that files are on disk before the record that names them exists."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

import pyarrow as pa

from mlops_core.artifacts import store_file
from mlops_core.entities import Actor, ModelSpec, Snapshot, Version
from mlops_core.errors import InputError
from mlops_core.frozen_rows import freeze_rows
from mlops_core.services.runtime import Runtime
from mlops_core.store.audit import add_audit_event
from mlops_core.store.connection import Transaction
from mlops_core.store.models import add_model, add_version, list_models


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedVersion:
    """What training hands over."""

    name: str
    features: tuple[str, ...]
    """In the order the artifact reads them."""
    parameters: Mapping[str, object]
    offline_metrics: Mapping[str, float]
    rows: pa.Table
    """The training rows: prediction_id, scored_at, label, the features, and, if known, held_out (bool): the rows
    that the version did not learn from, which tell best what its score is worth."""
    code_id: str
    """SHA-256 of the training code."""
    artifact: bytes
    """A skops file."""
    libraries: Mapping[str, str] = field(default_factory=dict)
    """Versions of the packages that it was trained with, by name."""


def register_model(runtime: Runtime, text: str, *, actor: Actor, now: datetime, reason: str = "") -> ModelSpec:
    """Add a model from the text of its model file."""
    with runtime.database.transaction() as transaction:
        spec = add_model(transaction, text, now)
        add_audit_event(
            transaction,
            at=now,
            actor=actor,
            action="add model",
            model=spec.name,
            subject=spec.name,
            reason=reason,
            evidence={"spec_sha256": hashlib.sha256(text.encode()).hexdigest()},
        )
    return spec


def register_version(
    runtime: Runtime, spec: ModelSpec, trained: TrainedVersion, *, actor: Actor, now: datetime
) -> Version:
    """Keep a version's artifact and training rows and add it to the history.

    Raises
    ------
    InputError
        When it reads a feature that the model does not know.
    ConflictError
        When the name is taken.
    """
    unknown = sorted(set(trained.features) - set(spec.columns.features))
    if unknown:
        raise InputError(f"The version {trained.name!r} reads {unknown[0]!r}, which is not a column of {spec.name}.")
    snapshot = keep_snapshot(runtime, spec.name, trained.rows, trained.features, now)
    version = Version(
        model=spec.name,
        name=trained.name,
        features=trained.features,
        parameters=trained.parameters,
        offline_metrics=trained.offline_metrics,
        snapshot=snapshot,
        code_id=trained.code_id,
        artifact_hash=store_file(runtime.home.artifacts, trained.artifact, ".skops"),
        artifact_bytes=len(trained.artifact),
        libraries=trained.libraries,
        created_at=now,
        created_by=actor.name,
    )
    with runtime.database.transaction() as transaction:
        add_version(transaction, version)
        tell_registration(transaction, version, actor)
    return version


def tell_registration(transaction: Transaction, version: Version, actor: Actor) -> None:
    """Write a new version into the audit log, with what identifies its parts."""
    add_audit_event(
        transaction,
        at=version.created_at,
        actor=actor,
        action="register version",
        model=version.model,
        subject=version.name,
        reason="",
        evidence={
            "artifact_hash": version.artifact_hash,
            "snapshot": version.snapshot.id,
            "offline_metrics": dict(version.offline_metrics),
            **({"run": version.run} if version.run else {}),
        },
    )


def keep_snapshot(runtime: Runtime, model: str, rows: pa.Table, features: Sequence[str], now: datetime) -> Snapshot:
    """Freeze training rows; see `freeze_rows`."""
    frozen = freeze_rows(runtime.home.snapshots, rows, features)
    return Snapshot(model=model, created_at=now, **asdict(frozen))


def list_specs(runtime: Runtime) -> list[ModelSpec]:
    """Give every model, by name."""
    return list_models(runtime.database)
