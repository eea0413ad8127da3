"""How versions were made: decides what is told of differences in their data, parameters, surroundings, and speed."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mlops_core.entities import Metric, ModelSpec, Version
from mlops_core.errors import MLOpsError
from mlops_core.services.artifact_host import Latency
from mlops_core.services.background import Progress
from mlops_core.services.balance import FeatureBalance, measure_balance
from mlops_core.services.references import ensure_snapshot_reference, read_reference
from mlops_core.services.rehearsal import measure_latencies
from mlops_core.services.runtime import Runtime
from mlops_core.services.snapshots import list_snapshot_columns
from mlops_core.stats.features import FeatureCounts
from mlops_core.store.models import get_version
from mlops_core.words import join_names, write_size

DURATION = "training_seconds"
"""The parameter in which training says how long it took."""
UNKNOWN = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that is known of how versions were made."""

    group: str
    """"Data", "Training", "Parameter", "Feature", "Library", or "Serving"."""
    name: str
    values: tuple[str, ...]
    """As text, by version."""

    @property
    def differs(self) -> bool:
        """Say whether the versions are not all alike in it."""
        return len(set(self.values)) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """What has to be measured to be known."""

    latency: Mapping[str, Latency]
    """By version; those that could not be timed are left out."""
    columns: Mapping[str, tuple[str, ...]]
    """Columns of the training rows by version; those whose file cannot be read are left out."""
    shifts: Mapping[str, tuple[FeatureBalance, ...]]
    """The training rows of each other version against those of the first, what differs most first."""
    problems: tuple[str, ...]
    """Why something of this is not known."""


def read_versions(runtime: Runtime, spec: ModelSpec, names: Sequence[str]) -> list[Version]:
    """Give versions by their names.

    Raises
    ------
    NotFoundError
        When one is unknown.
    """
    return [get_version(runtime.database, spec.name, name) for name in names]


def measure_making(
    runtime: Runtime, spec: ModelSpec, names: Sequence[str], now: datetime, progress: Progress | None = None
) -> Making:
    """Count the training rows of versions, unless they were counted before, and measure how long they take to score.

    Raises
    ------
    NotFoundError
        When a version is unknown.
    CancelledError
        When it was cancelled.
    """
    told, versions = progress or Progress(), read_versions(runtime, spec, names)
    problems: list[str] = []
    columns: dict[str, tuple[str, ...]] = {}
    counts: dict[str, dict[str, FeatureCounts]] = {}
    for i, version in enumerate(versions):
        told.report(0.5 * i / len(versions), f"Reading what {version.name} was trained on")
        try:
            columns[version.name] = list_snapshot_columns(runtime, version.snapshot.id)
            counts[version.name] = _count_snapshot(runtime, spec, version, now)
        except MLOpsError as error:
            problems.append(error.message)
    told.report(0.5, "Timing " + ", ".join(names))
    first = counts.get(names[0])
    return Making(
        latency=measure_latencies(runtime, spec, names, now, told),
        columns=columns,
        shifts={
            name: tuple(measure_balance(spec, first, counts[name]))
            for name in names[1:]
            if first is not None and name in counts
        },
        problems=tuple(problems),
    )


def _count_snapshot(runtime: Runtime, spec: ModelSpec, version: Version, now: datetime) -> dict[str, FeatureCounts]:
    # Bins that traffic is counted by stay: they are not replaced to look at a version.
    reference = ensure_snapshot_reference(runtime, spec, version, now, may_replace=False)
    return {name: profile.counts for name, profile in read_reference(runtime, spec, reference).items()}


def list_making(versions: Sequence[Version], making: Making | None = None) -> list[Fact]:
    """List what is known of how versions were made, what differs first; what has to be measured only when it was."""
    facts = [
        *_list_data(versions, making),
        *_list_training(versions),
        *_list_mapping("Parameter", [version.parameters for version in versions], leave_out={DURATION}),
        *_list_features(versions),
        *_list_mapping("Library", [version.libraries for version in versions]),
        *(_list_serving(versions, making) if making else []),
    ]
    return sorted(facts, key=lambda fact: not fact.differs)


def _list_data(versions: Sequence[Version], making: Making | None) -> list[Fact]:
    facts = [
        _tell("Data", "Training rows", versions, lambda one: f"{one.snapshot.rows:,}"),
        _tell("Data", "Oldest row", versions, lambda one: f"{one.snapshot.start:%d %b %Y}"),
        _tell("Data", "Newest row", versions, lambda one: f"{one.snapshot.end:%d %b %Y}"),
        _tell("Data", "Snapshot", versions, lambda one: f"{one.snapshot.id[:12]}…"),
    ]
    known = making.columns if making else {}
    if not known:
        return facts
    facts.append(
        _tell("Data", "Columns", versions, lambda one: str(len(known[one.name])) if one.name in known else UNKNOWN)
    )
    shared = set.intersection(*(set(columns) for columns in known.values()))
    read = {name for version in versions for name in version.features}
    # What is a feature is told among the features.
    uneven = sorted({name for columns in known.values() for name in columns} - shared - read)
    return facts + [
        Fact(
            group="Data", name=f"Column {name}", values=tuple(_say(name in known.get(one.name, ())) for one in versions)
        )
        for name in uneven
    ]


def _list_training(versions: Sequence[Version]) -> list[Fact]:
    metrics = list(dict.fromkeys(name for version in versions for name in version.offline_metrics))
    return [
        _tell("Training", "Duration", versions, _tell_duration),
        _tell("Training", "Code", versions, lambda one: f"{one.code_id[:12]}…"),
        _tell("Training", "Artifact", versions, lambda one: f"{one.artifact_hash[:12]}…"),
        _tell("Training", "Artifact size", versions, lambda one: write_size(one.artifact_bytes)),
        _tell("Training", "Registered", versions, lambda one: f"{one.created_at:%d %b %Y %H:%M} UTC"),
        _tell("Training", "Registered by", versions, lambda one: one.created_by),
        *(
            Fact(
                group="Training",
                name=f"Offline {_name_metric(name)}",
                values=tuple(_write_metric(one, name) for one in versions),
            )
            for name in metrics
        ),
    ]


def _tell_duration(version: Version) -> str:
    seconds = version.parameters.get(DURATION)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return UNKNOWN
    return f"{seconds:,.1f} s" if seconds < 120 else f"{seconds / 60:,.1f} min"


def _name_metric(name: str) -> str:
    return Metric(name).label if name in set(Metric) else name


def _write_metric(version: Version, name: str) -> str:
    value = version.offline_metrics.get(name)
    return UNKNOWN if value is None else f"{value:.3f}"


def _list_mapping(
    group: str, mappings: Sequence[Mapping[str, object]], leave_out: frozenset[str] | set[str] = frozenset()
) -> list[Fact]:
    names = dict.fromkeys(name for mapping in mappings for name in mapping if name not in leave_out)
    return [
        Fact(group=group, name=name, values=tuple(_write_value(mapping, name) for mapping in mappings))
        for name in names
    ]


def _write_value(mapping: Mapping[str, object], name: str) -> str:
    if name not in mapping:
        return UNKNOWN
    value = mapping[name]
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _list_features(versions: Sequence[Version]) -> list[Fact]:
    """Give the number of features, and each one that not all versions read."""
    names = list(dict.fromkeys(name for version in versions for name in version.features))
    uneven = [name for name in names if not all(name in version.features for version in versions)]
    return [
        _tell("Feature", "Features read", versions, lambda one: str(len(one.features))),
        *(
            Fact(group="Feature", name=name, values=tuple(_say(name in one.features) for one in versions))
            for name in uneven
        ),
    ]


def _list_serving(versions: Sequence[Version], making: Making) -> list[Fact]:
    timed = making.latency
    size = max((one.batch_rows for one in timed.values()), default=0)
    if not timed:
        return []
    return [
        _tell("Serving", "One row", versions, lambda one: _write_time(timed, one.name, "one_row_ms")),
        _tell("Serving", f"{size:,} rows", versions, lambda one: _write_time(timed, one.name, "batch_ms")),
    ]


def _write_time(timed: Mapping[str, Latency], version: str, field: str) -> str:
    return f"{getattr(timed[version], field):,.1f} ms" if version in timed else UNKNOWN


def _tell(group: str, name: str, versions: Sequence[Version], write: Callable[[Version], str]) -> Fact:
    return Fact(group=group, name=name, values=tuple(write(version) for version in versions))


def _say(is_there: bool) -> str:
    return "yes" if is_there else "no"


def name_columns(names: Sequence[str]) -> tuple[str, ...]:
    """Name the columns of what is known of versions."""
    return ("What", *names)


def list_facts(facts: Sequence[Fact]) -> list[tuple[str, ...]]:
    """Give facts as text, in the order of `name_columns`."""
    return [(f"{fact.group}: {fact.name}", *fact.values) for fact in facts]


def tell_making(facts: Sequence[Fact], names: Sequence[str]) -> str:
    """Say in a sentence in what the versions differ."""
    told = [fact for fact in facts if fact.differs and fact.name not in IDENTITIES and fact.group in GROUP_WORDS]
    groups = list(dict.fromkeys(fact.group for fact in told))
    if not groups:
        return f"Nothing that is known of how {join_names(names)} were made differs but their ids."
    return f"{join_names(names)} differ in {join_names([GROUP_WORDS[group] for group in groups])}."


IDENTITIES = {"Snapshot", "Artifact", "Registered"}
"""What differs between any two versions."""
GROUP_WORDS = {
    "Data": "training data",
    "Training": "training",
    "Parameter": "parameters",
    "Feature": "features",
    "Library": "libraries",
}
