"""From YAML files and command-line options to a `Config`, and back.

A key that no field bears is refused by name, with the nearest one that exists.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import itertools
import sys
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from jsonargparse import ArgumentError, ArgumentParser, Namespace

from dataset_script.errors import ConfigError
from dataset_script.safe_files import renamed
from training.config.schema import Config
from training.config.shipped import find_shipped
from training.config.validation import validate
from training.errors import one_line

T = TypeVar("T")


def config_keys(cls: type = Config, prefix: str = "") -> dict[str, bool]:
    """Every dotted key of the configuration, and whether it holds a free mapping."""
    keys: dict[str, bool] = {}
    hints = typing.get_type_hints(cls)
    for entry in dataclasses.fields(cls):
        kind = hints[entry.name]
        keys[prefix + entry.name] = typing.get_origin(kind) is dict
        if dataclasses.is_dataclass(kind):
            keys |= config_keys(typing.cast(type, kind), f"{prefix}{entry.name}.")
    return keys


def add_config_arguments(parser: ArgumentParser, cls: type = Config) -> None:
    """Give a parser `--config FILE` and an option for every key of the configuration.

    Args:
        parser: A jsonargparse parser.
        cls: The configuration's dataclass.
    """
    parser.add_argument("--config", action="config", help="YAML file; several overlay each other")
    parser.add_class_arguments(cls)


def load_config(
    path: str | Path | Sequence[str | Path] | None = None,
    overrides: Sequence[str] | Mapping[str, Any] = (),
) -> Config:
    """Read and validate a configuration.

    Args:
        path: YAML file, or several, each laid over those before it; None starts from the defaults.
        overrides: Options as on the command line ("--training.epochs=3"), or a mapping of dotted
            keys to values.

    Returns:
        The validated configuration.

    Raises:
        ConfigError: If the file or an option is not right.
    """
    if isinstance(overrides, Mapping):
        overrides = [f"--{key}={yaml_value(value)}" for key, value in overrides.items()]
    paths = [str(path)] if isinstance(path, str | Path) else map(str, path or ())
    files = [word for each in paths for word in ("--config", each)]
    return parse_config(_experiment_parser(), [*files, *overrides], Config, validate)[0]


@functools.cache
def _experiment_parser() -> ArgumentParser:
    # Made once: reading the docstrings of all sections takes longer than reading a file.
    parser = ArgumentParser(exit_on_error=False)
    add_config_arguments(parser)
    return parser


def yaml_value(value: Any) -> str:
    """A value as one line of YAML."""
    if isinstance(value, str):
        return value
    return yaml.safe_dump(value, default_flow_style=True, width=10**9).removesuffix("...\n").strip()


def read_command_line(
    program: str,
    description: str | None,
    arguments: Sequence[str] | None,
    cls: type[T],
    check: Callable[[T], T],
) -> tuple[T, bool]:
    """Read the command line of a script that trains.

    Args:
        program: Its name.
        description: What `--help` says of it.
        arguments: The command line without the program's name; None takes the process's own.
        cls: The configuration's dataclass.
        check: Validates it.

    Returns:
        The validated configuration, and whether `--resume` was given.

    Raises:
        ConfigError: Naming the unknown key or the value that does not fit.
    """
    parser = ArgumentParser(prog=program, description=description, exit_on_error=False)
    add_config_arguments(parser, cls)
    parser.add_argument("--resume", action="store_true", help="Continue an interrupted run.")
    given = _files_first(sys.argv[1:] if arguments is None else arguments)
    config, others = parse_config(parser, given, cls, check)
    return config, others["resume"]


def parse_config(
    parser: ArgumentParser, arguments: Sequence[str], cls: type[T], check: Callable[[T], T]
) -> tuple[T, Namespace]:
    """Parse options into a configuration and whatever else the parser defines.

    Args:
        parser: A parser that `add_config_arguments` was called with for `cls`.
        arguments: The command line, without the program's name.
        cls: The configuration's dataclass.
        check: Validates it.

    Returns:
        The validated configuration, and the parser's other options.

    Raises:
        ConfigError: Naming the unknown key or the value that does not fit.
    """
    arguments = _found(arguments)
    known = config_keys(cls)
    others = {action.dest for action in parser._actions} - set(known)
    _refuse_unknown(arguments, known, others)
    try:
        options = parser.parse_args(list(arguments))
        values = parser.instantiate(options)
    except ArgumentError as error:
        raise ConfigError(one_line(error)) from None
    fields = dataclasses.fields(typing.cast(Any, cls))
    config = cls(**{entry.name: values[entry.name] for entry in fields})
    _refuse_null(config)
    return check(config), values


def flatten(config: Config) -> dict[str, Any]:
    """A configuration as dotted keys and values; a free mapping stays one value."""
    values: dict[str, Any] = {}
    for key, free in config_keys().items():
        value: Any = config
        for part in key.split("."):
            value = getattr(value, part)
        if free or not dataclasses.is_dataclass(value):
            values[key] = value
    return values


def save_config(config: Config, path: Path) -> None:
    """Write the resolved configuration as YAML.

    Args:
        config: The configuration.
        path: File to write; replaced whole.

    Raises:
        DataError: If it cannot be written.
    """
    with renamed(path) as temporary:
        temporary.write_text(yaml.safe_dump(dataclasses.asdict(config), sort_keys=False))


def _refuse_null(section: Any, prefix: str = "") -> None:
    """Refuse null, which the parser lets through for every type, where a key does not take it."""
    hints = typing.get_type_hints(type(section))
    for entry in dataclasses.fields(section):
        key, value = prefix + entry.name, getattr(section, entry.name)
        if dataclasses.is_dataclass(value):
            _refuse_null(value, f"{key}.")
        elif value is None and type(None) not in typing.get_args(hints[entry.name]):
            raise ConfigError(f"{key} has no value; give it one, or leave the key out")


def _files_first(arguments: Sequence[str]) -> list[str]:
    """A command line on which every key overrides every file, wherever it stands."""
    files: list[str] = []
    others: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--config":
            files += [word, *itertools.islice(words, 1)]
        else:
            (files if word.startswith("--config=") else others).append(word)
    return [*files, *others]


class _StrictLoader(yaml.SafeLoader):
    """Refuses a key that is given twice, of which YAML's loader silently keeps the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        told = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in told:
            if told.count(key) > 1:
                raise yaml.YAMLError(f"the key {key} is given {told.count(key)} times")
        return super().construct_mapping(node, deep)


def _found(arguments: Sequence[str]) -> list[str]:
    """A command line in which every `--config` names a file that is there, shipped ones too."""
    words = list(arguments)
    for position, word in enumerate(words):
        if word.startswith("--config="):
            words[position] = f"--config={find_shipped(word.removeprefix('--config='))}"
        elif word == "--config" and position + 1 < len(words):
            words[position + 1] = str(find_shipped(words[position + 1]))
    return words


def _refuse_unknown(arguments: Sequence[str], known: dict[str, bool], others: set[str]) -> None:
    for position, argument in enumerate(arguments):
        if not argument.startswith("--"):
            continue
        key, _, value = argument[2:].partition("=")
        if key == "config":
            following = arguments[position + 1] if position + 1 < len(arguments) else ""
            _check_file(Path(value or following), known)
        elif key.replace("-", "_") not in others and not _is_known(key, known):
            raise ConfigError(_unknown(key, [*known, *others], "the command line"))


def _check_file(path: Path, known: dict[str, bool]) -> None:
    try:
        content = yaml.load(path.read_text(), _StrictLoader)
    except OSError as error:
        raise ConfigError(f"cannot read the configuration {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid YAML: {one_line(error)}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path} is no configuration: it holds no mapping of keys to values")
    for key in content:
        section, dot, _ = str(key).partition(".")
        if dot and section in content:
            raise ConfigError(
                f"{path} gives {key} beside {section}, of which one would be lost: put it into "
                f"{section}"
            )
    for key, value in _flatten(content, known).items():
        if not _is_known(key, known):
            raise ConfigError(_unknown(key, list(known), str(path)))
        if any(name.startswith(f"{key}.") for name in known) and not isinstance(value, Mapping):
            raise ConfigError(f"{key} in {path} holds no keys; give it some, or leave it out")


def _flatten(
    content: Mapping[Any, Any], known: dict[str, bool], prefix: str = ""
) -> dict[str, Any]:
    values = {}
    for name, value in content.items():
        key = f"{prefix}{name}"
        values[key] = value
        if isinstance(value, Mapping) and not known.get(key, False):
            values |= _flatten(value, known, f"{key}.")
    return values


def _is_known(key: str, known: dict[str, bool]) -> bool:
    free = any(mapping and key.startswith(f"{name}.") for name, mapping in known.items())
    return key in known or free


def _unknown(key: str, candidates: list[str], where: str) -> str:
    leaves = [c for c in candidates if not any(d.startswith(f"{c}.") for d in candidates)]
    section, _, last = key.rpartition(".")
    near = _nearest_key(last, [c for c in leaves if c.rpartition(".")[0] == section])
    near = near or difflib.get_close_matches(key, leaves, 1) or _nearest_key(last, leaves)
    hint = f"; did you mean {near[0]}?" if near else "; --help lists every key"
    return f"unknown key {key!r} in {where}{hint}"


def _nearest_key(last: str, keys: Sequence[str]) -> list[str]:
    """The key whose last part a word abbreviates by its initials (lr), or is spelt like."""
    by_name = {key.rpartition(".")[2]: key for key in reversed(keys)}
    initials = ["".join(word[0] for word in name.split("_") if word) for name in by_name]
    short = [name for name, each in zip(by_name, initials, strict=True) if each == last]
    near = short if len(last) > 1 else []
    return [by_name[name] for name in near or difflib.get_close_matches(last, list(by_name), 1)]
