"""The program behind the button: runs the claims and tells what it does, a line of JSON each.

Its only argument is JSON, `{"data": null, "target": null, "quick": true, "seed": 0}`. A line is `{"done", "sentence"}`
before each claim, and at the end `{"record"}` or `{"error"}`.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from justfit.errors import JustFitError
from justfit.lab._claims import EXPERIMENTS
from justfit.lab._run import run_lab
from justfit.records import Progress, to_dict


def main(asked: str) -> None:
    """Run the claims as asked.

    Args:
        asked: What `run_lab` takes, as JSON.
    """
    try:
        record = run_lab(**json.loads(asked), on_progress=_tell)
    except JustFitError as error:
        _say(json.dumps({"error": str(error)}))
    else:
        _say(json.dumps({"record": to_dict(record)}, allow_nan=False))


def _tell(progress: Progress) -> None:
    done = round(progress.fraction * len(EXPERIMENTS))
    said: dict[str, Any] = {"done": done, "sentence": f"Measuring {progress.detail}."}
    _say(json.dumps(said))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()  # a server that has gone makes this fail, which ends the process


if __name__ == "__main__":
    main(sys.argv[1])
