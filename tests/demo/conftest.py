"""The demo's tables and the two versions its story is about, made once for all tests of the demo."""

import pandas as pd
import pytest

from mlops_core.demo.data import Tables, load_tables
from mlops_core.demo.features import build_features
from mlops_core.demo.training import TrainedModel, list_versions, train_version


@pytest.fixture(scope="session")
def tables() -> Tables:
    return load_tables()


@pytest.fixture(scope="session")
def frame(tables: Tables) -> pd.DataFrame:
    return build_features(tables)


@pytest.fixture(scope="session")
def v3(frame: pd.DataFrame) -> TrainedModel:
    return train_version(frame, list_versions()[2])


@pytest.fixture(scope="session")
def v4(frame: pd.DataFrame) -> TrainedModel:
    return train_version(frame, list_versions()[3])
