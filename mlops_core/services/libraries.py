"""The packages that a model depends on: decides which of them are kept with a version, and what a difference means."""

import platform
from collections.abc import Collection, Mapping
from importlib.metadata import PackageNotFoundError, version

from mlops_core.artifacts import TRUSTED_TYPES_OF

LIBRARIES = ("scikit-learn", "numpy", "pandas", "skops")
"""What all scores may depend on, beside Python itself."""


def list_libraries(packages: Collection[str] = ()) -> dict[str, str]:
    """Give the versions of Python and of the packages that this process has.

    `packages` are those beside scikit-learn that an estimator comes from; others that may be installed are left out.
    """
    found = {"python": platform.python_version()}
    for name in (*LIBRARIES, *(name for name in TRUSTED_TYPES_OF if name in packages)):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def find_differences(trained: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Name the packages whose release differs in more than its last figure, as in "numpy 1.26.4, now 2.4.0".

    Examples
    --------
    >>> find_differences({"numpy": "1.26.4", "pandas": "3.0.1"}, {"numpy": "2.4.0", "pandas": "3.0.2"})
    ['numpy 1.26.4, now 2.4.0']
    """
    return [
        f"{name} {known}, now {now.get(name, 'absent')}"
        for name, known in trained.items()
        if known.split(".")[:2] != now.get(name, "").split(".")[:2]
    ]
