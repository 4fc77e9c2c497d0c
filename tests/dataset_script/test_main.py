import json
import subprocess
import sys
from pathlib import Path

import pytest

from dataset_script.__main__ import main
from tests.dataset_script.exporting import SECOND, SIZE, make_cubes
from tests.places import ROOT


def test_from_nothing_to_a_sheet(tmp_path, capsys):
    cubes, out = str(tmp_path / "cubes"), str(tmp_path / "out")
    size = ["--height", "64", "--width", "72", "--acquisitions", "12"]
    main(["synthesize", cubes, "--frames", "1", "--seed", "1", *size])
    main(["inspect", cubes])
    assert "T=1" in capsys.readouterr().out
    main(["export", cubes, out, "--config", "ts1", "--image-size", "48", "--channels", "dem"])
    assert capsys.readouterr().out.strip().endswith("hephaestus-minicubes")
    main(["show", f"{out}/hephaestus-minicubes", "--config", "ts1", "--output", out])
    assert Path(capsys.readouterr().out.strip()).read_bytes()[:4] == b"\x89PNG"


def test_inspect_exits_with_1_if_something_is_wrong(tmp_path, capsys):
    cubes = make_cubes(tmp_path)
    main(["inspect", str(cubes), "--json"])
    assert json.loads(capsys.readouterr().out)["problems"] == []
    (cubes / "106A_09090_000404.zarr" / "insar_difference" / "0.1.0.0").unlink()
    with pytest.raises(SystemExit) as stopped:
        main(["inspect", str(cubes)])
    assert stopped.value.code == 1
    assert "is missing" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["synthesize", "inspect", "export", "show"])
def test_help_has_examples(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    assert f"python -m dataset_script {command}" in capsys.readouterr().out


def test_a_users_mistake_is_one_line(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "dataset_script", "export", "nowhere", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: nowhere: no such folder")
    assert len(done.stderr.splitlines()) == 1


def test_importing_the_package_is_light():
    code = (
        "import sys, dataset_script, dataset_script.channels, dataset_script.__main__;"
        "print([name for name in ('torch', 'transformers', 'datasets', 'matplotlib', 'zarr') "
        "if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_exporting_does_not_import_torch(tmp_path):
    cubes = make_cubes(tmp_path / "cubes", frames=(SECOND,))
    code = (
        "import sys; from dataset_script.__main__ import main;"
        f"main(['export', {str(cubes)!r}, {str(tmp_path)!r}, '--config', 'ts1',"
        f" '--image-size', '{SIZE}']); print('torch' in sys.modules, 'pyplot' in str(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "False False"
