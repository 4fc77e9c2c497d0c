"""Weights to start from, by the name that one has for them."""

import pytest

from dataset_script.errors import ConfigError
from hub.__main__ import main
from hub.repos.loading import IN_THE_BOX
from tests.hub.conftest import hub  # noqa: F401 (a fixture)
from tests.hub.models import make_run
from tests.training.experiments import build
from training.config.models import ModelConfig
from training.config.options import load_config
from training.models.locating import BOX, locate_weights
from training.models.weights import require_same_channels


def test_a_folder_and_the_box(tmp_path):
    assert locate_weights(str(tmp_path)) == tmp_path
    assert locate_weights(IN_THE_BOX) == BOX / IN_THE_BOX
    assert (BOX / IN_THE_BOX / "model.safetensors").exists()


def test_a_model_starts_from_the_box_by_its_recipe():
    import torch

    config = load_config("configs/pretrained/segmentation.yaml", {"model.init_from": IN_THE_BOX})
    require_same_channels(locate_weights(IN_THE_BOX), config.data.channels, config.data.phase)
    with torch.random.fork_rng():
        model = build(config.model, "segmentation", channels=4)
    from hub.repos.loading import find_published

    theirs = find_published(IN_THE_BOX).load_backbone().state_dict()
    assert all(torch.equal(w, theirs[n]) for n, w in model.backbone.state_dict().items())


def test_a_repository(hub, tmp_path):  # noqa: F811
    make_run(tmp_path / "run", "timm")
    main(["push-model", str(tmp_path / "run"), "--repo-id", "NS/start"])
    folder = locate_weights("NS/start")
    assert (folder / "model.safetensors").exists() and (folder / "hephaestus.json").exists()
    assert locate_weights("NS/start@main") == folder
    config = ModelConfig("timm", "test_resnet", init_from="NS/start")
    build(config, steps=2, channels=3, size=32)
    with pytest.raises(ConfigError, match=r"model\.init_from: NS/absent, no folder here"):
        locate_weights("NS/absent")


def test_what_is_nowhere_is_told():
    with pytest.raises(ConfigError, match=r"no folder absent; give .*deformation-segmenter"):
        locate_weights("absent")
