"""The records and enumerations of the project: the only place that decides what a thing is called and carries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from mlops_core.policy_terms import Policy
from mlops_core.training_terms import GateTerms, Training


class Task(StrEnum):
    """What a model predicts."""

    BINARY = "binary"


class ChunkSize(StrEnum):
    """The step of time that profiles are counted in, in the model's own time zone."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Metric(StrEnum):
    """A performance metric of a binary classifier, by the name used in JSON and in model files."""

    F1 = "f1"
    RECALL = "recall"
    PRECISION = "precision"
    ROC_AUC = "roc_auc"
    AVERAGE_PRECISION = "average_precision"
    BRIER = "brier"
    LOG_LOSS = "log_loss"
    LOG_LOSS_SKILL = "log_loss_skill"
    ACCURACY = "accuracy"
    POSITIVE_RATE = "positive_rate"
    CALIBRATION_ERROR = "expected_calibration_error"

    @property
    def higher_is_better(self) -> bool | None:
        """None for the positive rate, which is neither good nor bad."""
        if self is Metric.POSITIVE_RATE:
            return None
        return self not in (Metric.BRIER, Metric.LOG_LOSS, Metric.CALIBRATION_ERROR)

    @property
    def label(self) -> str:
        """The metric's name as a person reads it."""
        return _METRIC_LABELS.get(self, self.value.replace("_", " ").capitalize())


_METRIC_LABELS = {
    Metric.F1: "F1",
    Metric.ROC_AUC: "ROC AUC",
    Metric.LOG_LOSS_SKILL: "Log loss skill",
    Metric.CALIBRATION_ERROR: "Calibration error",
}


class Status(StrEnum):
    """What a check says; the absence of data is never OK."""

    OK = "OK"
    WARNING = "WARNING"
    ALERT = "ALERT"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Action(StrEnum):
    """A change of the version in production."""

    PROMOTE = "PROMOTE"
    ROLL_BACK = "ROLL_BACK"

    @property
    def verb(self) -> str:
        """The action in running text: "promote", "roll back"."""
        return self.value.lower().replace("_", " ")


class Source(StrEnum):
    """Where a version's scores came from."""

    LIVE = "live"
    """The version answered the request."""
    REPLAY = "replay"
    """The version scored the logged inputs afterwards."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval, in the units of the metric."""

    value: float | None
    """None when the figure is undefined (no labels, one class, nothing predicted positive)."""
    low: float | None = None
    """Lower end; None when the interval cannot be computed."""
    high: float | None = None
    """Upper end; None when the interval cannot be computed."""


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time, start inclusive, end exclusive, both aware UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and from where."""

    name: str
    """The account or token name."""
    channel: str
    """"page", "api", "command", or "system"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """The level that a metric must keep."""

    metric: Metric
    minimum: float | None = None
    """Lowest value accepted; None when only a maximum is set."""
    maximum: float | None = None
    """Highest value accepted; None when only a minimum is set."""
    window_days: int = 7
    """How many labelled chunks the metric is taken over."""

    def is_kept_by(self, value: float) -> bool:
        """Say whether one value keeps the standard."""
        above = self.minimum is None or value >= self.minimum
        return above and (self.maximum is None or value <= self.maximum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What rows and positives are called in sentences."""

    row: str = "prediction"
    rows: str = "predictions"
    positives: str = "positives"
    """What a row with label 1 is, in the plural: "late flights"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """How the columns of a model's logs are named."""

    prediction_id: str
    timestamp: str
    version: str
    score: str
    label: str
    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    """Categorical features by which performance is split; the first one is guarded."""

    @property
    def features(self) -> tuple[str, ...]:
        """Every known feature, numeric first."""
        return self.numeric + self.categorical


@dataclass(frozen=True, slots=True, kw_only=True)
class Baking:
    """How a model is watched after a change of production."""

    days: float = 3.0
    """Days up to the end of a chunk; 0 for not at all."""
    auto_revert: bool = False
    """Whether a change that breaks its promise is taken back by itself, once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A model as its model file describes it."""

    name: str
    task: Task
    columns: Columns
    chunk: ChunkSize
    timezone: str
    """IANA name; chunks start at its midnights."""
    primary_metric: Metric
    threshold: float
    """Score at or above which a row is predicted positive, 0–1."""
    label_delay_days: float
    """Age at which nearly all labels of a chunk have arrived."""
    drift_cost: float | None = None
    """Expected loss of the primary metric, in its units and above 0, from which on drift is a warning however small
    the shift; None for no such warning."""
    reference: Window | None = None
    """The traffic that later traffic is compared with; None for the training rows of the version in production."""
    standards: tuple[Standard, ...] = ()
    baking: Baking = field(default_factory=Baking)
    training: Training | None = None
    """How new versions come to be; None when they are made elsewhere."""
    gate: GateTerms = field(default_factory=GateTerms)
    policy: Policy = field(default_factory=Policy)
    """When that happens by itself."""
    words: Words = field(default_factory=Words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long a model's data is kept."""

    row_days: int | None = None
    """Days of predictions, labels, and replays; None for ever."""
    profile_days: int | None = None
    """Days of counts; None for ever."""
    snapshot_days: int | None = None
    """Days of training rows, from when they were frozen; None for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Frozen training rows."""

    id: str
    """SHA-256 of the rows' content."""
    model: str
    rows: int
    start: datetime
    """Time of the oldest row."""
    end: datetime
    """Time of the newest row."""
    null_fractions: Mapping[str, float]
    """Share of nulls per feature, 0–1."""
    created_at: datetime
    columns: Mapping[str, str] = field(default_factory=dict)
    """Types of the columns by name; empty in snapshots from before they were kept."""
    label_coverage: float | None = None
    """Share of the rows of its span that had a label, 0–1; None when nobody said."""
    origin: str = ""
    """Where its rows came from: the query that made them, or the entry point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A trained version of a model, as registered."""

    model: str
    name: str
    """"v3": unique within the model."""
    features: tuple[str, ...]
    """The features it reads, in the order it reads them."""
    parameters: Mapping[str, object]
    offline_metrics: Mapping[str, float]
    """Metrics on held-out training rows, by metric name."""
    snapshot: Snapshot
    code_id: str
    """SHA-256 of the training code."""
    artifact_hash: str
    """SHA-256 of the artifact file, which is also its name."""
    artifact_bytes: int
    libraries: Mapping[str, str]
    """Versions of the packages that it was trained with, by name; empty when nobody said."""
    created_at: datetime
    created_by: str
    run: int | None = None
    """The run that trained it; None when it was trained elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One change of the version in production."""

    id: int
    model: str
    version: str
    previous: str | None
    """The version it replaced; None for the first."""
    action: Action
    at: datetime
    actor: Actor
    reason: str
    key: str | None
    """Idempotency key of the request; None when the caller gave none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One time in production."""

    version: str
    start: datetime
    end: datetime | None
    """None while it lasts."""
    deployment: int
    """The deployment that began it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One version's metric over time."""

    version: str
    source: Source
    chunks: tuple[datetime, ...]
    """Starts of the chunks that have a figure."""
    daily: tuple[float, ...]
    """The metric of each chunk; NaN where it is undefined."""
    rolling: tuple[float, ...]
    """The metric over the chunk and the six before it."""
    n_labelled: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One line of the audit log; each hash covers the line before it."""

    id: int
    at: datetime
    actor: Actor
    action: str
    """"promote", "roll back", "register version", …"""
    model: str | None
    subject: str
    """What was acted on: a version's name, for instance."""
    reason: str
    evidence: Mapping[str, Any]
    """The figures that were on the screen when the decision was made, as JSON."""
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One delivery of predictions or labels."""

    id: int
    model: str
    kind: str
    """"predictions" or "labels"."""
    received: int
    accepted: int
    """Rows stored; the others were there already."""
    at: datetime
    start: datetime | None
    """Time of the oldest row; None for labels that match no prediction."""
    end: datetime | None
    """Time of the newest row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one check said at one time."""

    code: str
    """Stable: "performance.standard", "skew.null_fraction"."""
    model: str
    version: str
    subject: str
    """The metric or feature that was checked."""
    status: Status
    reason: str
    evidence: Mapping[str, object]
    at: datetime
    """When the check ran first with this status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightCheck:
    """One line of a preflight."""

    name: str
    passed: bool
    detail: str
    is_doubt: bool = False
    """Whether somebody should look at it, although nothing forbids the change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """The proof that a version could serve, bound to its artifact for ten minutes."""

    model: str
    version: str
    champion: str | None
    """The version in production when the preflight ran."""
    artifact_hash: str
    checks: tuple[PreflightCheck, ...]
    at: datetime
    """Wall-clock time at which it ran."""

    @property
    def passed(self) -> bool:
        """True when every check passed."""
        return all(check.passed for check in self.checks)
