import numpy as np

from dataset_script.pictures.relief import hillshade


def test_hillshade_is_lit_from_the_north_west():
    y, x = np.mgrid[:40, :40] - 20.0
    cone = 3000 - 60 * np.hypot(x, y)
    cone[0, 0] = np.nan
    shade = hillshade(cone, 100.0, exaggeration=2)
    assert shade[12, 12] > shade[28, 28]
    assert np.isnan(shade[0, 0]) and np.isfinite(shade[1:]).all()
