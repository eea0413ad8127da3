"""Division where there may be nothing to divide by; stands alone, since a start needs it before it needs SciPy."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def divide_or_nan(numerator: ArrayLike, denominator: ArrayLike) -> NDArray[np.float64]:
    """Divide element by element; NaN where the denominator is not positive.

    Examples
    --------
    >>> divide_or_nan([1, 0], [4, 0])
    array([0.25,  nan])
    """
    top, bottom = np.broadcast_arrays(np.asarray(numerator, float), np.asarray(denominator, float))
    quotient = np.full(top.shape, np.nan)
    np.divide(top, bottom, out=quotient, where=bottom > 0)
    return quotient
