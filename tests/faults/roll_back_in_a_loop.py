"""A process that rolls back and forth until it is killed, and says each change that was committed.

`python -m tests.faults.roll_back_in_a_loop HOME`
"""

import sys
from itertools import cycle
from pathlib import Path

from mlops_core.config import Home
from mlops_core.entities import Action, Actor, Preflight
from mlops_core.services.deployment import ChangeRequest, change_production
from mlops_core.services.runtime import Runtime
from mlops_core.store.deployments import get_champion
from mlops_core.store.models import get_version
from mlops_core.wall_clock import read_wall_clock

MODEL = "car-loan"
"""As in tests.small_home, whose imports take seconds."""


def main(path: Path) -> None:
    runtime = Runtime.open(Home(path))
    champion = get_champion(runtime.database, MODEL).version
    order = ["v1", "v2"] if champion == "v2" else ["v2", "v1"]
    for to in cycle(order):
        now = read_wall_clock()
        preflight = Preflight(
            model=MODEL,
            version=to,
            champion=champion,
            artifact_hash=get_version(runtime.database, MODEL, to).artifact_hash,
            checks=(),
            at=now,
        )
        request = ChangeRequest(
            model=MODEL, to=to, action=Action.ROLL_BACK, actor=Actor("loop", "system"), reason="again and again"
        )
        deployment = change_production(runtime, request, now=now, preflight=preflight)
        sys.stdout.write(f"{deployment.id}\n")
        sys.stdout.flush()
        champion = to


if __name__ == "__main__":
    main(Path(sys.argv[1]))
