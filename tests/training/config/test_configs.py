"""Every YAML under configs/ is a configuration whose model can be built."""

import dataclasses
import itertools
import re

import pytest
import torch
import yaml
from jsonargparse import ArgumentParser

from tests.places import ROOT
from training.config.options import add_config_arguments, load_config, parse_config
from training.config.pretraining import PretrainingConfig, validate_pretraining
from training.models.build import build_model
from training.models.masked_autoencoder import MaskedAutoencoder
from training.sweeps.grid import cells, read_sweep

CONFIGS = ROOT / "configs"
RECIPES = sorted(CONFIGS.glob("*/recipe.yaml"))
MODELS = sorted((CONFIGS / "models").glob("*.yaml"))
SWEEPS = sorted((CONFIGS / "sweeps").glob("*.yaml"))
OURS = sorted(
    path for path in (CONFIGS / "ours").glob("*.yaml") if path.stem not in ("recipe", "pretraining")
)


def ids(paths):
    return [str(path.relative_to(CONFIGS).with_suffix("")) for path in paths]


def path_of(inputs):
    return CONFIGS / "inputs" / f"{inputs}.yaml"


def build(config):
    """The model at 64 pixels and without weights; the sizes that matter are elsewhere."""
    with torch.device("meta"):
        return build_model(
            dataclasses.replace(config.model, pretrained=False, init_from=""),
            objective=config.objective,
            num_channels=len(config.data.channels),
            timeseries_length=int(config.data.config.removeprefix("ts")),
            num_classes=2,
            image_size=64,
        )


@pytest.mark.parametrize("inputs", ["ts1-insar", "ts3"])  # the smallest and the largest
@pytest.mark.parametrize("model", MODELS, ids=ids(MODELS))
def test_every_model_of_the_table_builds(model, inputs):
    config = load_config([CONFIGS / "paper" / "recipe.yaml", model, path_of(inputs)])
    first = next(m for m in build(config).modules() if isinstance(m, torch.nn.Conv2d))
    channels, steps = {"ts1-insar": (3, 1), "ts3": (9, 3)}[inputs]
    assert first.in_channels == channels * (steps if config.model.temporal == "stack" else 1)


@pytest.mark.parametrize(
    ("inputs", "config", "channels"),
    [("ts1", "ts1", 9), ("ts1-insar", "ts1", 3), ("ts3", "ts3", 9), ("ts3-insar", "ts3", 3)],
)
def test_inputs_are_what_their_names_say(inputs, config, channels):
    data = load_config(path_of(inputs)).data
    assert (data.config, len(data.channels)) == (config, channels)


@pytest.mark.parametrize("recipe", RECIPES, ids=ids(RECIPES))
def test_recipes_differ_as_the_paper_and_its_repository_do(recipe):
    config = load_config([recipe, CONFIGS / "models" / "resnet50.yaml"])
    assert config.name == recipe.parent.name
    wanted = {
        "paper": ({"cross_entropy": 1.0}, 1e-2, "constant"),
        "repo": ({"focal": 1.0}, 1e-4, "constant"),
        "ours": ({"cross_entropy": 1.0}, 5e-2, "cosine"),
    }[config.name]
    assert (config.loss.terms, config.optimizer.weight_decay, config.schedule.name) == wanted


@pytest.mark.parametrize("recipe", RECIPES, ids=ids(RECIPES))
def test_every_row_of_the_table_is_valid_in_every_recipe(recipe):
    for model, inputs in itertools.product(MODELS, sorted((CONFIGS / "inputs").glob("*.yaml"))):
        config = load_config([recipe, model, inputs])
        segments = config.model.library == "smp"
        assert config.objective == ("segmentation" if segments else "classification")


def test_the_repositorys_vit_warms_up():
    config = load_config([CONFIGS / "repo" / "recipe.yaml", CONFIGS / "repo" / "vit.yaml"])
    assert config.schedule.warmup_epochs == 5
    assert config.schedule.initial < config.optimizer.learning_rate == config.schedule.final


@pytest.mark.parametrize("path", OURS, ids=ids(OURS))
def test_our_models_build(path):
    config = load_config([CONFIGS / "ours" / "recipe.yaml", path])
    assert sum(p.numel() for p in build(config).parameters()) > 1_000_000


@pytest.mark.parametrize("path", SWEEPS, ids=ids(SWEEPS))
def test_every_cell_of_a_sweep_is_valid_and_every_model_builds(path, monkeypatch):
    monkeypatch.chdir(CONFIGS.parent)
    sweep = read_sweep(path)
    sweep.seeds = sweep.seeds[:1]
    runs = list(cells(sweep))
    assert len(runs) == len(sweep.models) * len(sweep.inputs) - len(sweep.skip)
    for cell in runs:
        if cell.inputs.endswith("series"):  # the most planes
            assert sum(p.numel() for p in build(cell.config).parameters()) > 100_000


@pytest.mark.parametrize("path", sorted((CONFIGS / "demo").glob("*.yaml")))
def test_demo_models_build(path):
    assert sum(p.numel() for p in build(load_config(path)).parameters()) > 100_000


def test_the_pretraining_builds_and_fits_its_followers():
    parser = ArgumentParser(exit_on_error=False)
    add_config_arguments(parser, PretrainingConfig)
    arguments = ["--config", str(CONFIGS / "ours" / "pretraining.yaml")]
    config, _ = parse_config(parser, arguments, PretrainingConfig, validate_pretraining)
    with torch.device("meta"):
        source = MaskedAutoencoder(config.data.channels, 64, config.model.options)
    encoder = source.autoencoder.vit.layers[0].mlp.fc1.weight
    for name in ("vit-pretrained", "dpt-pretrained"):
        model = load_config([CONFIGS / "ours" / "recipe.yaml", CONFIGS / "ours" / f"{name}.yaml"])
        assert model.model.init_from == config.output
        shapes = [tuple(p.shape) for p in build(model).parameters()]
        assert shapes.count(tuple(encoder.shape)) == 12


def test_every_file_opens_with_a_line_that_says_what_it_is():
    for path in itertools.chain(*(CONFIGS.glob(f"{room}/*.yaml") for room in ROOMS)):
        assert path.read_text().startswith("# "), path
        assert isinstance(yaml.safe_load(path.read_text()), dict), path


ROOMS = ("accelerate", "demo", "inputs", "models", "ours", "paper", "repo", "sweeps")


def test_the_readme_names_every_file():
    text = (CONFIGS / "README.md").read_text()
    for path in itertools.chain(*(CONFIGS.glob(f"{room}/*.yaml") for room in ROOMS)):
        assert f"{path.parent.name}/{path.name}" in text, path


TABLE = re.findall(
    r"\| (\w+) \| `(\{library: .*\})` \| ([\d.]+) M \|", (CONFIGS / "README.md").read_text()
)


@pytest.mark.parametrize(
    ("objective", "model", "millions"), TABLE, ids=[model for _, model, _ in TABLE]
)
def test_the_models_that_three_lines_take(objective, model, millions, tmp_path):
    file = tmp_path / "three_lines.yaml"
    file.write_text(f"objective: {objective}\nmodel: {model}\ndata: {{config: ts3}}\n")
    built = build(load_config(file))
    count = sum(parameter.numel() for parameter in built.parameters())
    assert f"{count / 1e6:.2f}" == millions


def test_the_table_has_models_of_every_library_that_no_file_has():
    assert len(TABLE) >= 10
    ours = {
        (each.get("library"), each.get("name"), each.get("encoder"))
        for path in CONFIGS.glob("*/*.yaml")
        if (each := (yaml.safe_load(path.read_text()) or {}).get("model"))
    }
    table = [yaml.safe_load(model) for _, model, _ in TABLE]
    assert {model["library"] for model in table} == {"timm", "smp", "transformers"}
    for model in table:
        assert (model["library"], model["name"], model.get("encoder")) not in ours
