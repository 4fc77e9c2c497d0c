"""How the samples of a split are divided among shards."""

import pytest

from dataset_script.errors import ConfigError
from dataset_script.export import export
from dataset_script.rows.recipe import Recipe
from dataset_script.shards.plan import plan_shards
from dataset_script.source.source import open_source
from tests.dataset_script.exporting import SIZE, make_cubes


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    frames = [f"00{n}D_00001_010101" for n in range(8)]
    return open_source(make_cubes(tmp_path_factory.mktemp("cubes"), frames))


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("most", [4, 7, 100])
def test_no_shard_has_more_rows_than_it_may(source, most, apart):
    recipe = Recipe(1, image_size=SIZE)
    free, bound = (plan_shards(source, recipe, 10**9, apart, limit) for limit in (None, most))
    for split, shards in bound.items():
        assert max(shard.samples for shard in shards) <= most
        groups = [planned for shard in shards for planned in shard.groups]
        assert groups == [planned for shard in free[split] for planned in shard.groups]
    assert (bound == free) == (most == 100)


def test_a_group_is_not_torn(source, tmp_path):
    with pytest.raises(ConfigError, match=r"has 4 samples of primary date .* stay together"):
        plan_shards(source, Recipe(1, image_size=SIZE), most=3)
    with pytest.raises(ConfigError, match="max_samples_per_shard must be at least 1, not 0"):
        export("cubes", tmp_path, max_samples_per_shard=0)
