"""A cube with all forms of its fields, in memory, stored, and opened."""

import pytest

from dataset_script.cubes.minicube import Minicube
from tests.cubes import make_cube, write_cube


@pytest.fixture(scope="module")
def source():
    return make_cube()


@pytest.fixture(scope="module")
def stored(source, tmp_path_factory):
    return write_cube(source, tmp_path_factory.mktemp("stored"))


@pytest.fixture
def cube(stored):
    with Minicube.open(stored) as opened:
        yield opened
