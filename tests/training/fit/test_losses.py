import pytest
import segmentation_models_pytorch as smp
import torch
import torch.nn.functional as F

from dataset_script.errors import ConfigError
from training.config.schema import LossConfig
from training.data.tasks import IGNORED, Task
from training.fit.losses import Loss, lovasz_softmax

IMAGE = Task("binary", "classification", "union", 3)
PIXEL = Task("binary", "segmentation", "union", 3)
TYPES = Task("activity_type", "classification", "union", 3)


def pixels(count=5, classes=2, side=6, seed=0):
    source = torch.Generator().manual_seed(seed)
    logits = torch.randn(count, classes, side, side, generator=source)
    return logits, torch.randint(0, classes, (count, side, side), generator=source)


@pytest.mark.parametrize(
    "terms", [{"cross_entropy": 1.0}, {"focal": 0.5, "dice": 2.0}, {"lovasz": 1.0}]
)
def test_a_sample_does_not_care_who_shares_its_batch(terms):
    loss = Loss(LossConfig(terms=terms), PIXEL)
    logits, target = pixels()
    whole = loss(logits, target)
    apart = torch.cat([loss(logits[i : i + 1], target[i : i + 1]) for i in range(5)])
    torch.testing.assert_close(whole, apart)


def test_sum_of_weighted_terms():
    logits, target = pixels()
    one = Loss(LossConfig(terms={"cross_entropy": 1.0}), PIXEL)(logits, target)
    two = Loss(LossConfig(terms={"dice": 1.0}), PIXEL)(logits, target)
    both = Loss(LossConfig(terms={"cross_entropy": 0.25, "dice": 2.0}), PIXEL)(logits, target)
    torch.testing.assert_close(both, 0.25 * one + 2 * two)


def test_cross_entropy_is_torchs_and_class_weights_multiply():
    logits, target = torch.randn(7, 2), torch.randint(0, 2, (7,))
    plain = Loss(LossConfig(), IMAGE)(logits, target)
    torch.testing.assert_close(plain, F.cross_entropy(logits, target, reduction="none"))
    weighted = Loss(LossConfig(class_weights=[1.0, 3.0]), IMAGE)(logits, target)
    torch.testing.assert_close(weighted, plain * (1 + 2 * target))


def test_focal_weighs_no_deformation_by_alpha_and_deformation_by_the_rest():
    logits = torch.tensor([[2.0, -1.0], [2.0, -1.0]])
    target = torch.tensor([0, 1])
    loss = Loss(LossConfig(terms={"focal": 1.0}, gamma=2.0, alpha=0.25), IMAGE)(logits, target)
    truth = logits.softmax(1)[[0, 1], target]
    expected = torch.tensor([0.25, 0.75]) * (1 - truth) ** 2 * -truth.log()
    torch.testing.assert_close(loss, expected)


def test_focal_without_focus_is_cross_entropy():
    logits, target = pixels()
    focal = Loss(LossConfig(terms={"focal": 1.0}, gamma=0.0), PIXEL)(logits, target)
    torch.testing.assert_close(focal, Loss(LossConfig(), PIXEL)(logits, target))


def test_lovasz_equals_the_librarys_on_each_sample():
    logits, target = pixels(classes=4)
    target[:, 0, :3] = IGNORED
    target[1][target[1] == 2] = 0  # a class that the sample does not hold
    reference = smp.losses.LovaszLoss("multiclass", ignore_index=IGNORED)
    expected = torch.stack([reference(logits[i : i + 1], target[i : i + 1]) for i in range(5)])
    torch.testing.assert_close(lovasz_softmax(logits, target), expected)


@pytest.mark.parametrize("term", ["cross_entropy", "focal", "dice", "lovasz"])
def test_ignored_pixels_change_nothing_and_get_no_gradient(term):
    logits, target = pixels()
    target[:, :3] = IGNORED
    logits.requires_grad_()
    loss = Loss(LossConfig(terms={term: 1.0}), PIXEL)
    loss(logits, target).sum().backward()
    assert torch.isfinite(logits.grad).all()
    assert logits.grad[:, :, :3].abs().max() < 1e-7
    assert logits.grad[:, :, 3:].abs().max() > 1e-4


def test_multilabel_terms_and_nothing_but_ignored():
    logits, target = torch.randn(4, 6), torch.randint(0, 2, (4, 6)).float()
    expected = F.binary_cross_entropy_with_logits(logits, target, reduction="none").mean(1)
    torch.testing.assert_close(Loss(LossConfig(), TYPES)(logits, target), expected)
    unknown = Task("phase", "classification", "union", 3)
    assert Loss(LossConfig(), unknown)(torch.randn(1, 3), torch.tensor([IGNORED])) == 0


def test_wrong_number_of_class_weights_is_named():
    with pytest.raises(ConfigError, match=r"class_weights has 3 values.*has 2 classes"):
        Loss(LossConfig(class_weights=[1, 2, 3]), IMAGE)
