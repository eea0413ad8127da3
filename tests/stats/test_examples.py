"""The examples in the docstrings of the statistics give what they say."""

import doctest
import importlib
import pkgutil

import pytest

import mlops_core.stats

MODULES = [module.name for module in pkgutil.iter_modules(mlops_core.stats.__path__, "mlops_core.stats.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_say(name):
    found = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert found.failed == 0
