"""Pairs of a minicube."""

import datetime

import numpy as np
import pytest

from dataset_script.channels import CHANNEL_NAMES
from dataset_script.cubes.minicube import Minicube
from hub.scenes.checks import SceneError
from hub.scenes.load import load_scene
from tests import cubes


@pytest.mark.parametrize("form", ["directory", "zip"])
def test_pairs_of_a_minicube(tmp_path, form):
    cubes.write_minicubes(tmp_path, form=form)
    (path,) = tmp_path.glob("*.zarr*")
    scene = load_scene(f"{path}@20200301_20200313,20200406")
    with Minicube.open(path) as cube:
        dates = [datetime.date(2020, 3, 13), datetime.date(2020, 4, 6)]
        primary = datetime.date(2020, 3, 1)
        for step, date in enumerate(dates):
            assert np.array_equal(
                scene.insar_difference[step], cube.read("insar_difference", primary, date)
            )
            assert np.array_equal(
                scene.atmosphere["secondary_date_surface_pressure"][step],
                cube.read("secondary_date_surface_pressure", primary, date),
            )
    assert scene.secondary_dates == tuple(dates)
    assert all(scene.channel(name) is not None for name in CHANNEL_NAMES)
    assert scene.transform.f == pytest.approx(cubes.NORTH, abs=0.001)
    assert scene.name == f"{cubes.FRAME}_20200301_20200313-20200406"
    assert load_scene(f"{path}@20200301").steps == 4
    for dates, said in [
        ("@20200302", "primary date 20200302"),
        ("@20200301_20200314", "secondaries of 20200301 are 20200313"),
        ("", "3 primary dates"),
    ]:
        with pytest.raises(SceneError, match=said):
            load_scene(f"{path}{dates}")
