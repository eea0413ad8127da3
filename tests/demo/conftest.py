"""The two versions that the demo's story is about, trained once for all tests of the demo."""

import pandas as pd
import pytest

from mlops_core.demo.training import TrainedModel, list_versions, train_version


@pytest.fixture(scope="session")
def v3(frame: pd.DataFrame) -> TrainedModel:
    return train_version(frame, list_versions()[2])


@pytest.fixture(scope="session")
def v4(frame: pd.DataFrame) -> TrainedModel:
    return train_version(frame, list_versions()[3])
