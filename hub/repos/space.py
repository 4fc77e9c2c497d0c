"""What the Space's repository holds: the page, and exactly those modules of ours that it imports.

A Space is a repository of its own without this project installed, so the modules travel with it.
"""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterator
from pathlib import Path

from hub.errors import HubError, hub_errors
from hub.repos.plans import list_files

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("dataset_script", "training", "hub")


def _names(source: Path, package: str) -> Iterator[str]:
    """Dotted names that a file imports, at any depth; `from a import b` gives `a` and `a.b`."""
    for node in ast.walk(ast.parse(source.read_text(), str(source))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: 1 - node.level or None] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _find(name: str, root: Path) -> Path | None:
    """The file of a module of ours; None for anything else."""
    if name.split(".")[0] not in ROOMS:
        return None
    path = root.joinpath(*name.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def needed_modules(sources: list[Path], root: Path = ROOT) -> list[Path]:
    """Files of ours that some Python files import, directly or not, with their packages.

    Args:
        sources: Where to start.
        root: Folder of the rooms.

    Returns:
        The files, sorted, without `sources`.
    """
    found: set[Path] = set()
    waiting = list(sources)
    while waiting:
        source = waiting.pop()
        inside = source.is_relative_to(root)
        package = ".".join(source.relative_to(root).parent.parts) if inside else ""
        for name in _names(source, package):
            parts = name.split(".")
            for depth in range(1, len(parts) + 1):
                path = _find(".".join(parts[:depth]), root)
                if path and path not in found:
                    found.add(path)
                    waiting.append(path)
    return sorted(found)


def prepare_space(out: Path, root: Path = ROOT) -> Path:
    """Write the Space's repository.

    Args:
        out: An empty folder, or one that does not exist.
        root: Folder of the rooms and of `spaces/`.

    Returns:
        `out`.

    Raises:
        HubError: If the page is missing.
    """
    page = root / "spaces"
    for name in ("app.py", "README.md", "requirements.txt"):
        if not (page / name).is_file():
            raise HubError(f"{page / name} is missing: the Space cannot run without it")
    files = {path.relative_to(page): path for path in list_files(page)}
    modules = needed_modules([path for path in files.values() if path.suffix == ".py"], root)
    packages = {module.parent for module in modules}
    # templates and tables are read at run time by modules beside them, which name them
    code = "".join(module.read_text() for module in modules)
    data = [
        path
        for package in packages
        for path in (*package.glob("templates/*"), *package.glob("*.csv"))
        if path.name in code
    ]
    boxed = list_files(root / "hub" / "pretrained")
    files |= {path.relative_to(root): path for path in (*modules, *data, *boxed)}
    for relative, path in files.items():
        (out / relative).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, out / relative)
    return out


def set_variable(repo_id: str, name: str, value: str) -> None:
    """Set an environment variable of the Space; the Hub restarts it.

    Args:
        repo_id: The Space.
        name: Name.
        value: Value; anyone can read it.

    Raises:
        HubError: If the Hub refuses.
    """
    from huggingface_hub import HfApi

    with hub_errors(f"space {repo_id}"):
        HfApi().add_space_variable(repo_id, name, value)
