"""What starts without torch: its import takes seconds, a mistake should be told at once."""

import subprocess
import sys

from tests.places import ROOT

CODE = """
import sys
import hub.repos.planes, hub.repos.loading, hub.inference.outputs, hub.scenes.load
from hub.__main__ import main

def told(*arguments):
    try:
        main(["predict", *arguments, "--output", sys.argv[1]])
    except SystemExit as stop:
        assert stop.code

told("NS/MODEL", "nothing.npz")
told("README.md", "--threshold", "2")
told("README.md", "--device", "abacus")
told(sys.argv[1], "README.md")
assert not {"torch", "matplotlib"} & set(sys.modules)
"""


def test_mistakes_are_told_before_torch_is_loaded(tmp_path):
    (tmp_path / "model.json").touch()
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    missing, threshold, device, model = done.stderr.splitlines()
    assert missing == "error: nothing.npz: no such file"
    assert threshold == "error: threshold 2.0 is not between 0 and 1"
    assert device.startswith("error: device 'abacus' cannot be used here")
    assert "not a packaged model of this project" in model
