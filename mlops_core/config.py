"""Where things lie and how a model is described: decides the layout of the home and the form of a model file."""

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mlops_core.entities import Baking, ChunkSize, Columns, Metric, ModelSpec, Standard, Task, Window, Words
from mlops_core.errors import InputError
from mlops_core.policy_terms import Policy, read_policy
from mlops_core.sections import read_choice, read_names, read_number, read_text, refuse_unknown_keys
from mlops_core.training_terms import read_gate, read_training

MODEL_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
PROJECT = Path(__file__).resolve().parents[1]
KEPT_COLUMNS = frozenset({"prediction_id", "scored_at", "version", "score", "label", "label_at", "chunk", "batch"})
"""What Driftdeck calls its own columns, beside which the features are stored."""
CHECK_EVERY, USUAL_CHECK_S, LONGEST_CHECK_S = "DRIFTDECK_CHECK_EVERY", 60, 86_400
"""Variable and default of the seconds between two checks, and the most that is accepted."""
RUNS_URL = "DRIFTDECK_RUNS_URL"
"""Variable with the address of the database in which runs are durable."""
MOST_FEATURES = 1000
"""Of one model; with more a delivery takes minutes, as DuckDB keeps rows by column."""
LONGEST_BAKING_DAYS = 365.0

_SECTIONS: Mapping[str, frozenset[str]] = {
    "": frozenset(
        {"name", "task", "columns", "monitoring", "standards", "baking", "training", "gate", "policy", "words"}
    ),
    "columns": frozenset(
        {"prediction_id", "timestamp", "version", "score", "label", "numeric", "categorical", "segments"}
    ),
    "monitoring": frozenset(
        {"chunk", "timezone", "primary_metric", "threshold", "label_delay_days", "drift_cost", "reference"}
    ),
    "baking": frozenset({"days", "auto_revert"}),
    "words": frozenset({"row", "rows", "positives"}),
}


@dataclass(frozen=True, slots=True)
class Home:
    """The folder that holds all state of one Driftdeck."""

    path: Path

    @classmethod
    def locate(cls, given: str | None = None) -> "Home":
        """Take the home given, else DRIFTDECK_HOME, else the project's data folder."""
        return cls(Path(given or os.environ.get("DRIFTDECK_HOME") or PROJECT / "data").expanduser().resolve())

    @property
    def database(self) -> Path:
        """The DuckDB file."""
        return self.path / "driftdeck.duckdb"

    @property
    def artifacts(self) -> Path:
        """Model files, each named by its SHA-256."""
        return self.path / "artifacts"

    @property
    def snapshots(self) -> Path:
        """Training rows, each file named by the content's SHA-256."""
        return self.path / "snapshots"

    @property
    def runs(self) -> Path:
        """What training runs are working on, a folder each."""
        return self.path / "runs"

    @property
    def run_records(self) -> Path:
        """The SQLite file in which runs are durable."""
        return self.path / "runs.sqlite"

    @property
    def token(self) -> Path:
        """The local bearer token, mode 600."""
        return self.path / "token"

    @property
    def words(self) -> Path:
        """What the overview said last, one file a model; may be thrown away."""
        return self.path / "words"

    @property
    def running(self) -> Path:
        """Process id and address of the app that has this home open."""
        return self.path / "running.json"


def locate_run_records(home: Home) -> str:
    """Give the address of the records of runs: DRIFTDECK_RUNS_URL, else a SQLite file in the home.

    Raises
    ------
    InputError
        When it is no address of a Postgres database.
    """
    given = os.environ.get(RUNS_URL)
    if given and not given.startswith(("postgresql://", "postgresql+psycopg://")):
        # An address may hold a password.
        kind = given.partition(":")[0]
        raise InputError(f"{RUNS_URL} begins with {kind!r}; accepted is an address as postgresql://user@host/database.")
    return given or f"sqlite:///{home.run_records}"


def read_check_interval() -> timedelta:
    """Give the wait between two checks that the app makes by itself, from DRIFTDECK_CHECK_EVERY; 0 for none at all.

    Raises
    ------
    InputError
        When it is not a whole number of seconds from 0 to a day.
    """
    given = os.environ.get(CHECK_EVERY, str(USUAL_CHECK_S))
    if not (given.isascii() and given.isdigit()) or int(given) > LONGEST_CHECK_S:
        raise InputError(f"{CHECK_EVERY} is {given!r}; accepted are 0 to {LONGEST_CHECK_S} seconds, 0 for no checks.")
    return timedelta(seconds=int(given))


def read_model_file(path: Path) -> ModelSpec:
    """Read and check a model file.

    Raises
    ------
    InputError
        When the file is missing, is not TOML, or says something that is not understood.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"The model file {path} cannot be read: {error.strerror}.") from error
    return parse_model_text(text, name=str(path))


def parse_model_text(text: str, name: str = "model file") -> ModelSpec:
    """Turn the text of a model file into a specification; unknown keys are refused by name."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{name} is not valid TOML: {error}.") from error
    for section, known in _SECTIONS.items():
        refuse_unknown_keys(document.get(section, {}) if section else document, known, f"{name} {section}".strip())
    columns, monitoring = document.get("columns", {}), document.get("monitoring", {})
    try:
        spec = ModelSpec(
            name=_checked_name(document["name"]),
            task=read_choice(Task, document["task"], "task"),
            columns=_read_columns(columns),
            chunk=read_choice(ChunkSize, monitoring.get("chunk", "day"), "chunk"),
            timezone=_checked_timezone(monitoring.get("timezone", "UTC")),
            primary_metric=read_choice(Metric, monitoring.get("primary_metric", "roc_auc"), "primary_metric"),
            threshold=read_number(monitoring.get("threshold", 0.5), "threshold", 0.0, 1.0),
            label_delay_days=read_number(monitoring.get("label_delay_days", 0), "label_delay_days", 0.0, 3650.0),
            drift_cost=_read_drift_cost(monitoring),
            reference=_read_window(monitoring["reference"]) if "reference" in monitoring else None,
            standards=_read_standards(document.get("standards", {})),
            baking=_read_baking(document.get("baking", {})),
            training=read_training(document["training"]) if "training" in document else None,
            gate=read_gate(document.get("gate", {})),
            policy=_read_policy(document),
            words=Words(**document.get("words", {})),
        )
    except KeyError as error:
        raise InputError(f"{name} lacks the key {error.args[0]!r}.") from error
    return spec


MOST_COST = 1e6
"""Largest loss that a model file may name; no metric comes near it."""


def _read_policy(document: Mapping[str, object]) -> Policy:
    policy = read_policy(document.get("policy", {}))
    if policy.has_triggers and "training" not in document:
        raise InputError("The section [policy] would start runs, but there is no section [training] that says how.")
    return policy


def _read_drift_cost(monitoring: Mapping[str, object]) -> float | None:
    if "drift_cost" not in monitoring:
        return None
    cost, metric = monitoring["drift_cost"], monitoring.get("primary_metric", Metric.ROC_AUC)
    if metric in (Metric.POSITIVE_RATE, Metric.CALIBRATION_ERROR):
        raise InputError(f"The drift_cost {cost!r} cannot be kept: no expected loss of {metric} follows from drift.")
    if isinstance(cost, bool) or not isinstance(cost, int | float) or not 0 < cost <= MOST_COST:
        raise InputError(
            f"The drift_cost {cost!r} is not accepted: a loss of the primary metric, above 0 up to {MOST_COST:g}."
        )
    return float(cost)


def _read_columns(section: Mapping[str, object]) -> Columns:
    lists = {key: read_names(section.get(key, []), key) for key in ("numeric", "categorical", "segments")}
    singles = {key: read_text(section[key], key) for key in ("prediction_id", "timestamp", "version", "score", "label")}
    _refuse_equal_names([*singles.values(), *lists["numeric"], *lists["categorical"]])
    features = (*lists["numeric"], *lists["categorical"])
    if len(features) > MOST_FEATURES:
        raise InputError(
            f"The model has {len(features):,} features; accepted are up to {MOST_FEATURES:,}. Name those that matter."
        )
    for feature in features:
        if feature.casefold() in KEPT_COLUMNS:
            raise InputError(
                f"The feature {feature!r} has the name of a column that Driftdeck keeps itself; "
                f"accepted is any name but {', '.join(sorted(KEPT_COLUMNS))}."
            )
    for segment in lists["segments"]:
        if segment not in lists["categorical"]:
            raise InputError(f"The segment {segment!r} is not among the categorical columns.")
    return Columns(
        prediction_id=singles["prediction_id"],
        timestamp=singles["timestamp"],
        version=singles["version"],
        score=singles["score"],
        label=singles["label"],
        numeric=lists["numeric"],
        categorical=lists["categorical"],
        segments=lists["segments"],
    )


def _refuse_equal_names(names: Sequence[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.casefold(), name)
        if other is not name:
            raise InputError(f"The columns {other!r} and {name!r} differ in case only or not at all; DuckDB sees one.")


def _read_window(value: object) -> Window:
    """Read a pair of ISO 8601 dates or times, start inclusive, end exclusive, UTC when no zone is given."""
    try:
        start, end = (datetime.fromisoformat(str(moment)) for moment in value)  # type: ignore[attr-defined]
    except (TypeError, ValueError) as error:
        raise InputError(
            f"The reference is {value!r}; accepted is a pair of dates such as ['2018-01-01', '2018-10-30']."
        ) from error
    window = Window(*(m.astimezone(UTC) if m.tzinfo else m.replace(tzinfo=UTC) for m in (start, end)))
    if window.start >= window.end:
        raise InputError(f"The reference is {value!r}; its start must lie before its end.")
    return window


def _read_standards(section: Mapping[str, object]) -> tuple[Standard, ...]:
    standards = []
    for key, limits in section.items():
        metric = read_choice(Metric, key, "standard")
        if not isinstance(limits, Mapping):
            raise InputError(f"The standard {key!r} is {limits!r}; accepted is a table like {{ min = 0.9 }}.")
        refuse_unknown_keys(limits, frozenset({"min", "max", "window_days"}), f"The standard {key!r}")
        if "min" not in limits and "max" not in limits:
            raise InputError(f"The standard {key!r} sets neither min nor max.")
        standards.append(
            Standard(
                metric=metric,
                minimum=limits.get("min"),
                maximum=limits.get("max"),
                window_days=int(limits.get("window_days", 7)),
            )
        )
    return tuple(standards)


def _read_baking(section: Mapping[str, object]) -> Baking:
    usual = Baking()
    auto_revert = section.get("auto_revert", usual.auto_revert)
    if not isinstance(auto_revert, bool):
        raise InputError(f"The baking auto_revert {auto_revert!r} is not accepted: true or false.")
    days = read_number(section.get("days", usual.days), "baking days", 0.0, LONGEST_BAKING_DAYS)
    return Baking(days=days, auto_revert=auto_revert)


def _checked_name(name: object) -> str:
    if not isinstance(name, str) or not MODEL_NAME.fullmatch(name):
        raise InputError(f"The model name {name!r} is not accepted: lower-case letters, digits, and hyphens only.")
    return name


def _checked_timezone(name: object) -> str:
    try:
        ZoneInfo(read_text(name, "timezone"))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InputError(f"The timezone {name!r} is not known; accepted are IANA names such as 'UTC'.") from error
    return str(name)
