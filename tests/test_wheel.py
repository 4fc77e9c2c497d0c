"""The wheel, in an environment that holds nothing else: its commands, its configurations."""

import configparser
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

from dataset_script.extras import EXTRAS
from tests.places import ROOT

COMMANDS = ("train", "pretrain", "evaluate", "compare", "sweep")
PACKAGED = ("dataset_script", "training", "hub", "configs")
IMPORTED_AS = {"scikit-learn": "sklearn", "segmentation-models-pytorch": EXTRAS["training"][4]}


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The wheel, unpacked as an installer would."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    unwanted = shutil.ignore_patterns("__pycache__", "*.safetensors")
    for name in PACKAGED:
        shutil.copytree(ROOT / name, source / name, ignore=unwanted)
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = ["wheel", ".", "--no-deps", "--no-build-isolation", "--quiet", "-w", str(out)]
    done = subprocess.run(
        [sys.executable, "-m", "pip", *build], cwd=source, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = out.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        file.extractall(out / "site")
    return out / "site"


def interpreters():
    """Every supported Python that is here."""
    found = [sys.executable]
    for version in ("3.11", "3.12", "3.13"):
        path = shutil.which(f"python{version}")
        if path and version != "{}.{}".format(*sys.version_info):
            found.append(path)
    return found


def call(python, site, module, *arguments, folder):
    """A console script, as its wrapper calls it, with nothing importable but the wheel."""
    code = f"import sys; sys.path.insert(0, {str(site)!r}); from {module} import main; main()"
    command = [python, "-I", "-S", "-c", code, *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def scripts(site):
    entries = configparser.ConfigParser()
    entries.read(next(site.glob("*.dist-info/entry_points.txt")))
    return dict(entries["console_scripts"])


def test_the_wheel_holds_commands_and_configurations(installed):
    known = scripts(installed)
    assert set(known) == {f"hephaestus-{name}" for name in ("data", "hub", *COMMANDS)}
    shipped = {path.relative_to(ROOT) for path in (ROOT / "configs").rglob("*") if path.is_file()}
    shipped = {path for path in shipped if path.suffix in (".yaml", ".csv", ".md")}
    assert len(shipped) > 20 and all((installed / path).is_file() for path in shipped)
    assert (installed / "hub/pretrained/deformation-segmenter/hephaestus.json").is_file()
    others = {path.name for path in installed.iterdir() if path.suffix != ".dist-info"}
    assert others == set(PACKAGED)


@pytest.mark.parametrize("python", interpreters(), ids=lambda path: path.rsplit("/", 1)[-1])
def test_without_the_extras_a_command_says_which_to_install(installed, python, tmp_path):
    if subprocess.run([python, "-c", ""], capture_output=True).returncode:
        pytest.skip(f"{python} does not start")  # a stand-in of a version manager
    known = scripts(installed)
    for name in COMMANDS:
        module = known[f"hephaestus-{name}"].removesuffix(":main")
        words = ["configs/sweeps/synthetic.yaml"] if name == "sweep" else ["runs/a", "runs/b"]
        said = call(python, installed, module, *words, folder=tmp_path)
        assert (said.returncode, said.stdout) == (1, ""), name
        (line,) = said.stderr.splitlines()
        told = r'error: \w+ is not installed: pip install "hephaestus-minicubes\[training\]"'
        assert re.fullmatch(told, line), line


def test_shipped_configurations_are_found_from_anywhere(installed, tmp_path):
    """With the libraries, but none of this checkout."""
    code = (
        f"import sys; sys.path.insert(0, {str(installed)!r})\n"
        "from training.config.options import load_config\n"
        "from training.sweeps.grid import cells, read_sweep\n"
        "from training.config.shipped import find_shipped\n"
        "assert load_config('configs/demo/segmentation.yaml').objective == 'segmentation'\n"
        "assert load_config(None, ['--config=configs/demo/classification.yaml']).seed == 0\n"
        "plan = read_sweep(find_shipped('configs/sweeps/paper.yaml'))\n"
        "print(len(list(cells(plan))), find_shipped(plan.reference))"
    )
    command = [sys.executable, "-I", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    count, reference = done.stdout.split()
    assert int(count) > 20 and reference == str(installed / "configs/paper/table.csv")


def test_each_extra_is_named_with_what_it_brings():
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    for extra, listed in settings["options.extras_require"].items():
        if extra == "dev":
            continue
        names = {re.split(r"[\[<>=]", line)[0] for line in listed.split()}
        modules = {IMPORTED_AS.get(name, name) for name in names}
        assert modules <= set(EXTRAS[extra]), extra
        assert set(EXTRAS[extra]) - modules <= {"distributed"}  # dask[distributed]
