"""New bins: what was counted by the old ones is counted by them as well, as long as its rows are there."""

from datetime import timedelta

import pyarrow as pa
import skops.io
from sklearn.linear_model import LogisticRegression

from mlops_core.entities import Action, Window
from mlops_core.services.deployment import ChangeRequest, change_production
from mlops_core.services.drift_view import read_drift_view
from mlops_core.services.monitoring import refresh
from mlops_core.services.registry import TrainedVersion, register_version
from mlops_core.store.features import read_null_counts
from tests.small_home import ACTOR, MODEL, PRESENT, START, draw_loans

DAY = timedelta(days=1)


def test_traffic_from_before_a_new_binning_is_still_there(runtime, spec):
    """A version that was trained on another scale brings new bins."""
    window, now = Window(START, PRESENT + DAY), PRESENT + DAY
    before = read_drift_view(runtime, spec, window, PRESENT)
    rows = draw_loans(2000, START - 20 * DAY, 10, seed=999)
    rows = rows.set_column(rows.column_names.index("income"), "income", pa.array(rows["income"].to_numpy() * 1000))
    estimator = LogisticRegression().fit(rows.select(["income", "debt"]).to_pandas(), rows["label"].to_numpy())
    version = TrainedVersion(
        name="v4",
        features=("income", "debt"),
        parameters={},
        offline_metrics={"roc_auc": 0.7},
        rows=rows,
        code_id="0" * 64,
        artifact=skops.io.dumps(estimator),
    )
    register_version(runtime, spec, version, actor=ACTOR, now=PRESENT)
    change = ChangeRequest(model=MODEL, to="v4", action=Action.PROMOTE, actor=ACTOR, reason="another scale")
    change_production(runtime, change, now=PRESENT)
    nulls = read_null_counts(runtime.database, MODEL, "v2", window)
    refresh(runtime, spec, now)
    after = read_drift_view(runtime, spec, window, now)
    assert after.table.reference.binning != before.table.reference.binning
    assert after.table.chunks == before.table.chunks
    assert after.table.counts["income"].n.tolist() == before.table.counts["income"].n.tolist()
    assert read_null_counts(runtime.database, MODEL, "v2", window) == nulls
    change = ChangeRequest(model=MODEL, to="v2", action=Action.ROLL_BACK, actor=ACTOR, reason="the old scale")
    change_production(runtime, change, now=now)
    refresh(runtime, spec, now)
    assert (
        read_drift_view(runtime, spec, window, now).table.counts["income"].n.tolist()
        == before.table.counts["income"].n.tolist()
    )
