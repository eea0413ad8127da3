"""MLflow's way to change production: answers each line on standard input with the milliseconds of one alias switch.

Run by the Python of MLflow's own environment, in an empty folder that is named as its only argument.
"""

import sys
import time
from pathlib import Path

from mlflow import MlflowClient

MODEL, ALIAS = "flight-delay", "champion"
VERSIONS = 4


def main() -> None:
    """Register versions, then switch on request."""
    client = MlflowClient(f"sqlite:///{Path(sys.argv[1]) / 'mlflow.db'}")
    client.create_registered_model(MODEL)
    for number in range(1, VERSIONS + 1):
        client.create_model_version(MODEL, source=f"s3://models/{number}")
    print("ready", flush=True)
    for switch, _ in enumerate(sys.stdin):
        started = time.perf_counter()
        client.set_registered_model_alias(MODEL, ALIAS, str(VERSIONS - switch % 2))
        print((time.perf_counter() - started) * 1000, flush=True)


if __name__ == "__main__":
    main()
