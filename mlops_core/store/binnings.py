"""Binnings: decides that how a feature is binned is frozen, and that categories are only ever added to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mlops_core.stats.features import FeatureBinning
from mlops_core.stats.grids import NumericGrid, Transform
from mlops_core.store.connection import Database, Row, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Binning:
    """How the features of a model are binned; counts of one binning can be added and compared."""

    id: int
    origin: str
    """What its bins were made from, in words: "the training rows of v1"."""
    features: dict[str, FeatureBinning]


def get_binning(source: Database | Transaction, model: str) -> Binning | None:
    """Give the binning by which a model's new rows are counted; None before the first reference."""
    found = source.rows("get_binning", {"model": model})
    return _read_binning(source, found[0]) if found else None


def add_binning(
    transaction: Transaction, model: str, origin: str, features: Sequence[FeatureBinning], at: datetime
) -> Binning:
    """Store a new binning; all rows that are still stored wait to be counted by it, as new ones do."""
    number = transaction.run("insert_binning", {"model": model, "origin": origin, "at": at})
    for feature in features:
        _write_feature(transaction, number, feature, known=0)
    transaction.run("delete_counted_batch", {"model": model})
    return Binning(id=number, origin=origin, features={feature.feature: feature for feature in features})


def extend_binning(transaction: Transaction, binning: Binning, features: Sequence[FeatureBinning]) -> Binning:
    """Add features, and categories behind those that are known; what was counted stays what it was."""
    for feature in features:
        known = binning.features.get(feature.feature)
        if known is not None:
            transaction.run("delete_feature_binning", {"binning": binning.id, "feature": feature.feature})
        _write_feature(transaction, binning.id, feature, known=len(known.categories or ()) if known else 0)
    merged = binning.features | {feature.feature: feature for feature in features}
    return Binning(id=binning.id, origin=binning.origin, features=merged)


def _write_feature(transaction: Transaction, number: int, feature: FeatureBinning, known: int) -> None:
    grid, key = feature.grid, {"binning": number, "feature": feature.feature}
    placed = {"transform": grid.transform.value, "centre": grid.centre, "scale": grid.scale} if grid else {}
    empty = {"transform": None, "centre": None, "scale": None}
    transaction.run("insert_feature_binning", key | empty | placed | {"is_full": feature.is_full})
    added = list((feature.categories or ())[known:])
    if added:
        transaction.run("insert_binning_categories", key | {"first": known, "values": added})


def _read_binning(source: Database | Transaction, row: Row) -> Binning:
    key = {"binning": row["id"]}
    categories: dict[str, list[str]] = {}
    for entry in source.rows("list_binning_categories", key):
        categories.setdefault(entry["feature"], []).append(entry["value"])
    features = {}
    for entry in source.rows("list_feature_binnings", key):
        name, transform = entry["feature"], entry["transform"]
        features[name] = FeatureBinning(
            feature=name,
            grid=NumericGrid(transform=Transform(transform), centre=entry["centre"], scale=entry["scale"])
            if transform
            else None,
            categories=tuple(categories.get(name, ())) if transform is None else None,
            is_full=entry["is_full"],
        )
    return Binning(id=row["id"], origin=row["origin"], features=features)
