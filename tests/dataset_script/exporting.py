"""What the tests of exports share."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.cubes import FRAME, write_minicubes

SECOND = "001D_00001_010101"

# pyarrow's reading threads can abort an interpreter that ends while they are winding up
# ("terminate called without an active exception"), after all the work is done.
LEAVE = "sys.stdout.flush(); os._exit(0)"
SIZE = 24


def make_cubes(folder, frames=(FRAME, SECOND), **kind):
    write_minicubes(folder, frames, **kind)
    return folder


def tree(folder):
    """Every file's bytes, by path."""
    folder = Path(folder)
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def run_clean(code, folder, home):
    """Run code in a process that has none of our code on its path; its JSON output."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment |= {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1", "PYTHONSAFEPATH": "1"}
    done = subprocess.run(
        [sys.executable, "-c", f"import json, os, sys\n{code}\n{LEAVE}"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
