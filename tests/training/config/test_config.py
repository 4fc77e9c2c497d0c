import dataclasses
import re
from pathlib import Path

import pytest
import yaml
from docstring_parser import parse

from dataset_script.channels import CHANNEL_NAMES
from dataset_script.errors import ConfigError
from tests.places import ROOT
from tests.training.experiments import python
from training.config import schema as config_module
from training.config.options import (
    config_keys,
    flatten,
    load_config,
    read_command_line,
    save_config,
)
from training.config.schema import AugmentationConfig, Config
from training.config.validation import validate


def test_file_then_command_line(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("training:\n  epochs: 7\n  batch_size: 3\noptimizer:\n  learning_rate: 1e-5\n")
    config = load_config(file, ["--training.epochs=9", "--loss.terms", "{focal: 0.5, dice: 1}"])
    assert (config.training.epochs, config.training.batch_size) == (9, 3)
    assert config.optimizer.learning_rate == 1e-5
    assert config.loss.terms == {"focal": 0.5, "dice": 1.0}
    assert config.output == "runs/run"


def test_overrides_as_a_mapping():
    values = {
        "data.channels": ["dem", "surface_pressure"],
        "training.clip": None,
        "model.options": {"drop_rate": 0.1},
        "name": "on",  # a word that YAML reads as true
    }
    config = load_config(None, values)
    assert config.data.channels == [
        "dem",
        "primary_date_surface_pressure",
        "secondary_date_surface_pressure",
    ]
    assert config.training.clip is None
    assert config.model.options == {"drop_rate": 0.1}
    assert config.name == "on"


def test_resolved_configuration_reads_back_equal(tmp_path):
    config = load_config(None, {"model.options": {"a": {"b": 1}}, "optimizer.weight_decay": 0.25})
    save_config(config, tmp_path / "config.yaml")
    assert load_config(tmp_path / "config.yaml") == config


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("--training.epoch=3", "unknown key 'training.epoch'.*did you mean training.epochs?"),
        ("--epochs=3", "unknown key 'epochs'.*did you mean training.epochs?"),
        ("--optimiser.learning_rate=3", "did you mean optimizer.learning_rate?"),
        ("--training.epochs=0", "training.epochs is 0; it must be at least 1"),
        ("--training.epochs=many", "training.epochs"),
        ("--augmentation.flip=2", r"augmentation.flip is 2.*0\.\.1"),
        ("--loss.terms={mse: 1}", "unknown loss.terms.mse; the terms are cross_entropy"),
        ("--data.channels=[demm]", "unknown channel 'demm'"),
        ("--data.config=groups", "needs data.timeseries_length"),
        ("--model.library=smp", "smp segments"),
        ("--training.select=iou", "iou is for segmentation"),
        ("--schedule.final=1", "schedule.final"),
        ("--seed=-1", "seed is -1; it must be at least 0"),
        ("--optimizer.momentum=1", "optimizer.momentum is 1; it must be less"),
        ("--model.freeze_encoder=true", "would keep random weights: set model.pretrained or"),
        ("--tracking.entity=orion", "tracking.entity is wandb's alone; add wandb"),
        ("--tracking.project=", "tracking.project is empty"),
        ("--name=", "name is empty; give the run a name"),
        ("--name=../other", r"runs/\.\./other"),
        ("--optimizer.lr=1", r"did you mean optimizer\.learning_rate"),
        ("--optimizer.wd=1", r"did you mean optimizer\.weight_decay"),
        ("--lr=1", r"did you mean optimizer\.learning_rate"),
        ("--optimiser=1", r"unknown key 'optimiser'"),
        ("--data.image_size=64", "data.image_size would do nothing: data.source huggingface"),
        ("--data.test_dates=[2020]", "data.test_dates would do nothing"),
        ("--data.split=strict", "data.split would do nothing"),
        ("--loss.terms={cross_entropy: 0}", "all of loss.terms weigh 0"),
        ("--loss.class_weights=[0, 0]", "all of loss.class_weights are 0"),
        ("--loss.alpha=0.25", "loss.alpha would do nothing: it belongs to the term focal"),
        ("--loss.gamma=3", "loss.gamma would do nothing"),
        ("--model.encoder=resnet18", "model.encoder would do nothing: a model of timm"),
        ("--model.options={drop_rate: 2}", r"model\.options\.drop_rate is 2; .* 0\.\.1"),
        ("--model.options={drop_rate: often}", "drop_rate is 'often'; it must be a number in 0"),
        ("--model.options={drop_rates: [0.1, -1]}", r"drop_rates is -1; it must lie in 0\.\.1"),
        ("--model.options={vision_config: {drop_path_rate: 5}}", r"vision_config\.drop_path_rate"),
        ("--schedule.initial=1e-6", r"would do nothing: .*set schedule\.warmup_epochs"),
        ("--augmentation.rotation=20", r"rotation would do nothing: augmentation\.resample is 0"),
        ("--augmentation.scale=1", "leave scale at 1.2"),
        ("--augmentation.noise_std=1", r"noise_std would do nothing: augmentation\.noise is 0"),
        ("--optimizer.learning_rate=.inf", "optimizer.learning_rate is inf; it must be finite"),
        ("--training.clip=.nan", "training.clip must be positive"),
    ],
)
def test_mistakes_are_named(given, expected):
    with pytest.raises(ConfigError) as caught:
        load_config(None, [given])
    assert re.search(expected, str(caught.value))
    assert "\n" not in str(caught.value)


def test_class_weights_belong_to_the_cross_entropy():
    with pytest.raises(ConfigError, match="class_weights would do nothing"):
        load_config(None, {"loss.terms": {"focal": 1}, "loss.class_weights": [1, 2]})


def test_a_constant_rate_warms_up_and_comes_to_no_other_end():
    constant = {"schedule.name": "constant", "schedule.warmup_epochs": 1, "schedule.initial": 1e-6}
    assert load_config(None, constant).schedule.initial == 1e-6
    with pytest.raises(ConfigError, match=r"schedule\.final would do nothing: .* set cosine"):
        load_config(None, constant | {"schedule.final": 1e-6})


def test_every_strength_goes_with_its_probability():
    plain = AugmentationConfig()
    chances = {e.name for e in dataclasses.fields(plain) if getattr(plain, e.name) == 0}
    for strength in {e.name for e in dataclasses.fields(plain)} - chances:
        chance = {"rotation": "resample", "scale": "resample"}.get(strength, strength[:-4])
        given = {f"augmentation.{strength}": 2.0, f"augmentation.{chance}": 0.5}
        assert getattr(load_config(None, given).augmentation, strength) == 2
        with pytest.raises(ConfigError, match=f"{strength} would do nothing"):
            load_config(None, given | {f"augmentation.{chance}": 0.0})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("training: {epochs: 1}\ntraining: {batch_size: 2}\n", "the key training is given 2 times"),
        ("training:\n  epochs: 1\n  epochs: 2\n", "the key epochs is given 2 times"),
        ("training.epochs: 1\ntraining: {batch_size: 2}\n", "training.epochs beside training"),
    ],
)
def test_a_key_that_is_given_twice_is_not_lost_in_silence(tmp_path, text, said):
    file = tmp_path / "twice.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=said):
        load_config(file)


def test_the_command_line_overrides_a_file_wherever_it_stands(tmp_path):
    file, later = tmp_path / "a.yaml", tmp_path / "b.yaml"
    file.write_text("training: {epochs: 7}\nseed: 5\n")
    later.write_text("seed: 6\n")
    words = ["--training.epochs=1", "--config", str(file), "--seed", "9", f"--config={later}"]
    config, resume = read_command_line("train.py", None, words, Config, validate)
    assert (config.training.epochs, config.seed, resume) == (1, 9, False)
    config, _ = read_command_line("train.py", None, words[1:3] + words[5:], Config, validate)
    assert (config.training.epochs, config.seed) == (7, 6)


def test_unknown_key_in_a_file_names_the_file(tmp_path):
    file = tmp_path / "typo.yaml"
    file.write_text("data:\n  chanels: [dem]\n")
    with pytest.raises(
        ConfigError, match=r"'data\.chanels' in .*typo\.yaml; did you mean data\.channels"
    ):
        load_config(file)
    file.write_text("- a list\n")
    with pytest.raises(ConfigError, match="no mapping"):
        load_config(file)
    with pytest.raises(ConfigError, match="cannot read"):
        load_config(tmp_path / "absent.yaml")
    file.write_bytes(b"\x89PNG")
    with pytest.raises(ConfigError, match=r"typo\.yaml is not valid YAML"):
        load_config(file)


@pytest.mark.parametrize("text", ["training:\n", "training: 5\n", "training: true\n"])
def test_a_section_without_keys_is_named(tmp_path, text):
    file = tmp_path / "bare.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"training in .*bare\.yaml holds no keys; give it some"):
        load_config(file)


@pytest.mark.parametrize("key", ["training.epochs", "data.channels", "model.name"])
def test_a_key_without_a_value_is_named(tmp_path, key):
    file = tmp_path / "blank.yaml"
    section, name = key.split(".")
    file.write_text(f"{section}:\n  {name}:\n")
    with pytest.raises(ConfigError, match=f"{key} has no value; give it one, or leave the key out"):
        load_config(file)


@pytest.mark.parametrize("select", ["auroc", "average_precision"])
def test_weights_are_selected_by_a_metric_that_the_task_has(select):
    several = {"task": "intensity", "training.select": select}
    assert load_config(None, several).training.select == select
    several |= {"objective": "segmentation", "model.library": "smp", "model.encoder": "resnet18"}
    with pytest.raises(ConfigError, match=f"training.select {select} is not known.*f1 or iou"):
        load_config(None, several)


def test_every_key_is_read_somewhere():
    """A key that nothing reads is a bug."""
    source = "".join(
        path.read_text() for path in (ROOT / "training").rglob("*.py") if path.name != "schema.py"
    )
    leaves = {key.rsplit(".", 1)[-1] for key in config_keys()}
    unread = {leaf for leaf in leaves if not re.search(rf"\.{leaf}\b", source)}
    assert not unread


def test_every_key_is_explained_in_help():
    text = python("training/train.py", "--help").stdout
    for key in flatten(Config()):
        assert re.search(rf"--{re.escape(key)}\b", text), key
    words = "".join(text.split())  # lines are broken anywhere, even within a hyphenated word
    sections = [kind for kind in vars(config_module).values() if dataclasses.is_dataclass(kind)]
    for section in sections:
        told = {entry.arg_name: entry.description for entry in parse(section.__doc__).params}
        assert told.keys() == {entry.name for entry in dataclasses.fields(section)}
        for name, description in told.items():
            if section is not Config or not dataclasses.is_dataclass(getattr(Config(), name)):
                assert "".join(description.split()) in words, name
    assert "--resume" in words


def test_a_users_mistake_is_one_line_and_exit_one():
    done = python("training/train.py", "--training.epoch", "3")
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "error: unknown key 'training.epoch' in the command line; did you mean training.epochs?"
    )


def test_default_channels_are_all_nine():
    assert load_config().data.channels == list(CHANNEL_NAMES)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "configs/demo").glob("*.yaml")), ids=lambda p: p.stem
)
def test_shipped_configurations_are_valid_and_say_what_they_are(path):
    config = load_config(path)
    assert Path(config.output).parts[:2] == ("runs", "demo")
    assert path.read_text().startswith("# ")


@pytest.mark.parametrize(
    "path", sorted((ROOT / "configs/accelerate").glob("*.yaml")), ids=lambda p: p.stem
)
def test_accelerate_configurations_load(path):
    from accelerate.commands.config.config_args import load_config_from_file

    loaded = load_config_from_file(str(path))
    assert loaded.num_processes == yaml.safe_load(path.read_text())["num_processes"]


def test_several_cpu_processes_are_launched_as_several():
    """What `accelerate launch` makes of the file; its own kind for CPUs would start one process."""
    from accelerate.commands.launch import _validate_launch_command, launch_command_parser

    file = str(ROOT / "configs/accelerate/multi_cpu.yaml")
    given = ["--config_file", file, "--num_processes", "3", "training/train.py"]
    arguments, *_ = _validate_launch_command(launch_command_parser().parse_args(given))
    assert arguments.multi_gpu and not arguments.cpu and arguments.num_processes == 3
    assert arguments.mixed_precision == "no" and arguments.use_cpu
