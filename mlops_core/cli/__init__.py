"""The command line: decides what goes to which stream and with which exit code a command ends.

Only light modules are imported here and in `arguments`; each command imports what it needs when it runs.
"""

import json
import os
import sys
from collections.abc import Sequence

from mlops_core.cli.arguments import UsageError, parse_arguments
from mlops_core.cli.outcome import Outcome
from mlops_core.errors import MLOpsError

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and give its exit code: 0 done, 1 a gate or check says no, 2 wrong usage or bad input."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    as_json = "--json" in given
    try:
        options = parse_arguments(given)
        return _print_outcome(options.run(options), as_json)
    except UsageError as error:
        print(error.usage, file=sys.stderr, end="")
        return _print_error(error, as_json)
    except MLOpsError as error:
        return _print_error(error, as_json)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("mlops_core"):
            raise
        remedy = "Run `make run` once, or `pip install -r requirements.txt`."
        return _print_error(MLOpsError(f"The package {error.name!r} is not installed. {remedy}"), as_json)
    except BrokenPipeError:
        # The reader of our output has gone; Python would complain once more when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return INTERRUPTED


def _print_outcome(outcome: Outcome, as_json: bool) -> int:
    if as_json and outcome.document is not None:
        print(json.dumps(outcome.document, indent=2, ensure_ascii=False))
    elif outcome.text:
        print(outcome.text)
    sys.stdout.flush()
    return outcome.exit_code


def _print_error(error: MLOpsError, as_json: bool) -> int:
    print(error.message, file=sys.stderr)
    if as_json:
        document = {"code": error.code, "message": error.message, "details": error.details}
        print(json.dumps({"error": document}, indent=2, ensure_ascii=False, default=str), flush=True)
    return error.exit_code
