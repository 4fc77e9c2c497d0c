"""The targets that annotations become, of whole images and of pixels."""

import pytest
import torch

from dataset_script.labels import ACTIVITY_TYPES
from training.data.tasks import IGNORED, StepLabels, Task

STEPS = StepLabels(
    labels=[[0], [1], [1]],
    activity_types=[[], [2], [0, 1]],
    intensity_levels=[[], [1], [3, 1]],
    phases=[0, 1, 2],
)


@pytest.mark.parametrize(
    ("task", "target", "expected"),
    [
        ("binary", "union", [1]),
        ("binary", "all", [0, 1, 1]),
        ("intensity", "union", [3]),
        ("intensity", "all", [0, 1, 3]),
        ("phase", "union", [1]),
        ("phase", "last", [2]),
        ("activity_type", "last", [[1, 1, 0, 0, 0, 0]]),
        ("activity_type", "union", [[1, 1, 1, 0, 0, 0]]),
    ],
)
def test_targets_of_whole_images(task, target, expected):
    found = Task(task, "classification", target, 3).image_target(STEPS)
    assert found.tolist() == expected


def test_an_unannotated_phase_is_ignored():
    unknown = StepLabels([[0]], [[]], [[]], [3])
    assert Task("phase", "classification", "union", 1).image_target(unknown).tolist() == [IGNORED]


def masks():
    stack = torch.zeros(1, 3, 4, 4, dtype=torch.uint8)
    stack[0, 0, 0, 0] = 1
    stack[0, 1, 1, :3] = 2
    stack[0, 2, 2, 0] = 1
    return stack


@pytest.mark.parametrize(
    ("target", "expected"), [("last", 1), ("peak", 3), ("union", 5), ("all", 5)]
)
def test_targets_of_pixels(target, expected):
    task = Task("binary", "segmentation", target, 3)
    found = task.pixel_target(masks(), None)
    assert found.shape == ((3 if target == "all" else 1), 4, 4)
    assert found.sum() == expected and found.max() == 1


def test_one_named_type_claims_every_marked_pixel_and_several_go_by_code():
    task = Task("activity_type", "segmentation", "all", 3)
    stack = torch.zeros(1, 3, 2, 2, dtype=torch.uint8)
    stack[0, 1] = torch.tensor([[0, 77], [1, 0]])  # the one type is Mogi, whatever the code
    stack[0, 2] = torch.tensor([[1, 2], [5, 0]])  # Sill and Dyke by code; 5 is neither
    table = torch.from_numpy(task.code_table(STEPS))[None]
    found = task.pixel_target(stack, table)
    mogi, sill, dyke = (1 + ACTIVITY_TYPES.index(name) for name in ("Mogi", "Sill", "Dyke"))
    assert found[0].tolist() == [[0, 0], [0, 0]]
    assert found[1].tolist() == [[0, mogi], [mogi, 0]]
    assert found[2].tolist() == [[sill, dyke], [IGNORED, 0]]


def test_a_union_ignores_a_pixel_only_where_no_step_knows_it():
    task = Task("intensity", "segmentation", "union", 3)
    stack = torch.zeros(1, 3, 1, 3, dtype=torch.uint8)
    stack[0, 1] = torch.tensor([[7, 0, 0]])  # Low, the only level of that step
    stack[0, 2] = torch.tensor([[2, 2, 3]])  # 2 (Medium) is not among High and Low
    table = torch.from_numpy(task.code_table(STEPS))[None]
    assert task.pixel_target(stack, table)[0].tolist() == [[1, IGNORED, 3]]


def test_margin_is_the_log_odds_of_any_deformation():
    logits = torch.randn(5, 7)
    task = Task("activity_type", "segmentation", "union", 3)
    expected = torch.logit(1 - logits.softmax(1)[:, 0])
    torch.testing.assert_close(task.margin(logits), expected, atol=1e-4, rtol=1e-4)
