"""What is kept of a fitted estimator."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder

from mlops_core.artifacts import list_packages
from mlops_core.errors import PreflightError
from mlops_core.training.packing import dump_estimator, list_parameters

ROWS, LABELS = pd.DataFrame({"region": ["north", "south"] * 4}), np.array([0.0, 1.0] * 4)


def keep(rows):
    return rows


def test_parameters_are_such_that_json_can_hold_them():
    pipeline = make_pipeline(OrdinalEncoder(), LogisticRegression(C=0.5))
    given = list_parameters(pipeline)
    assert (given["ordinalencoder__encoded_missing_value"], given["logisticregression__C"]) == ("nan", 0.5)
    assert json.loads(json.dumps(given, allow_nan=False)) == given


def test_estimator_of_scikit_learn_alone_needs_no_other_package():
    content = dump_estimator(make_pipeline(OrdinalEncoder(), LogisticRegression()).fit(ROWS, LABELS))
    assert list_packages(content) == []


def test_function_of_ones_own_is_refused_by_its_name_and_with_what_is_accepted():
    pipeline = make_pipeline(OrdinalEncoder(), FunctionTransformer(keep), LogisticRegression())
    with pytest.raises(PreflightError, match=r"the type '.*keep', which is not on the allow-list. Accepted are class"):
        dump_estimator(pipeline.fit(ROWS, LABELS))
