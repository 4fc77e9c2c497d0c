import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset_script.rows.node_grid import from_nodes, interpolation, to_nodes


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 9), st.integers(10, 40), st.integers(10, 40), st.integers(0, 99))
def test_a_field_that_is_bilinear_between_the_nodes_survives(nodes, height, width, seed):
    grid = np.random.default_rng(seed).normal(0, 1, (nodes, nodes)).astype(np.float32)
    field = from_nodes(grid, height, width).astype(np.float32)
    fitted, error = to_nodes(field, nodes)
    assert error < 1e-5
    np.testing.assert_allclose(fitted, grid, atol=1e-4)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 6), st.integers(2, 6), st.integers(6, 30))
def test_stacks_of_any_grid_are_restored_linearly(rows, columns, size):
    y, x = np.mgrid[: rows - 1 : rows * 1j, : columns - 1 : columns * 1j]
    fine_y, fine_x = np.mgrid[: rows - 1 : size * 1j, : columns - 1 : size * 1j]
    restored = from_nodes(np.stack([3 * y - 2 * x, y]), size, size)
    np.testing.assert_allclose(restored, np.stack([3 * fine_y - 2 * fine_x, fine_y]), atol=1e-6)


def test_error_is_the_worst_pixel_of_the_restored_field():
    y, x = np.mgrid[:64, :64] / 63
    field = (np.sin(7 * x) * np.cos(5 * y)).astype(np.float32)
    errors = []
    for nodes in (5, 9, 17, 33):
        grid, error = to_nodes(field, nodes)
        assert error == np.abs(from_nodes(grid, 64, 64) - field).max()
        errors.append(error)
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.02 * errors[0]


def test_nodes_lie_on_the_corners():
    matrix = interpolation(50, 4)
    np.testing.assert_array_equal(matrix[[0, -1]], np.eye(4)[[0, -1]])
    np.testing.assert_allclose(matrix.sum(axis=1), 1)


def test_restored_as_torch_upsamples():
    import torch

    grid = np.random.default_rng(0).normal(0, 1, (6, 6)).astype(np.float32)
    size = (31, 45)
    theirs = torch.nn.functional.interpolate(
        torch.from_numpy(grid)[None, None], size, mode="bilinear", align_corners=True
    )
    np.testing.assert_allclose(from_nodes(grid, *size), theirs[0, 0].numpy(), atol=1e-5)
