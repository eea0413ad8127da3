"""A process that only opens a home and ends with the exit code of what went wrong.

`python -m tests.faults.open_home HOME`
"""

import sys
from pathlib import Path

from mlops_core.config import Home
from mlops_core.errors import MLOpsError
from mlops_core.services.runtime import Runtime

if __name__ == "__main__":
    try:
        Runtime.open(Home(Path(sys.argv[1]))).close()
    except MLOpsError as error:
        sys.stderr.write(error.message + "\n")
        sys.exit(error.exit_code)
