"""The page's parts without a browser: what is kept, opened, chosen, drawn and deployed."""

import ast
import dataclasses
import datetime
import os
import pickle
import re
import socket
import subprocess
import sys
import threading
import types

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.hub.conftest import use_server
from tests.hub_server.server import HubServer
from tests.places import ROOT
from tests.spaces.conftest import SPACES


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


# --- shelf


def test_shelf_gives_back_until_its_time_is_over(clock):
    from page.answers.shelf import Shelf
    from page.errors import PageError

    shelf = Shelf(100, lifetime=10, clock=clock)
    token = shelf.put("scene", 5)
    clock.now = 9
    assert shelf.get(token) == "scene"  # and its time starts again
    clock.now = 18
    assert shelf.get(token) == "scene"
    clock.now = 29
    with pytest.raises(PageError, match="no longer in memory"):
        shelf.get(token)
    assert shelf.nbytes == 0


@given(st.lists(st.integers(1, 60), max_size=30))
def test_shelf_never_exceeds_its_budget(sizes):
    from page.answers.shelf import Shelf

    shelf = Shelf(100, lifetime=10)
    for size in sizes:
        token = shelf.put(size, size)
        assert shelf.nbytes <= 100
        assert shelf.get(token) == size


def test_shelf_lets_the_longest_unused_go(clock):
    from page.answers.shelf import Shelf
    from page.errors import PageError

    shelf = Shelf(10, lifetime=99, clock=clock)
    first, second = shelf.put("a", 5), shelf.put("b", 5)
    shelf.get(first)
    shelf.put("c", 5)
    assert shelf.get(first) == "a"
    with pytest.raises(PageError):
        shelf.get(second)


# --- models


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/etc",
        "/etc/passwd",
        "../secret",
        "a/../../etc",
        "spaces/page",  # a folder of the checkout looks like a repository
        "name",
        "a/b/c",
        "a/b@../../x",
        "http://127.0.0.1/model",
        "file:///etc",
        "a/b c",
        "-a/b",
        "a\0b",
        "a" * 300,
        "a/" * 3000,
    ],
)
def test_no_other_path_is_opened(settings, text, monkeypatch):
    from page.answers.models import Models
    from page.errors import PageError

    monkeypatch.chdir(ROOT)

    def load(*args, **kwargs):
        raise AssertionError(f"opened {args}")

    with pytest.raises(PageError, match="no model that this page opens"):
        Models(settings, load).get(text)


def test_what_may_be_opened(settings, world):
    from page.answers.models import local_models, resolve

    assert resolve("ns/name", settings) == ("ns/name", None)
    assert resolve(" ns/name@v1.0 ", settings) == ("ns/name", "v1.0")
    folder = str(world["segmentation"])
    assert resolve(folder, settings) == (folder, None)
    assert folder in local_models(settings)
    inner = dataclasses.replace(settings, segmenter="", classifier="")
    assert resolve(folder, inner) == (folder, None)


def test_a_link_out_of_the_folders_is_not_followed(settings, tmp_path):
    from page.answers.models import resolve
    from page.errors import PageError

    outside = tmp_path / "outside"
    outside.mkdir()
    inside = tmp_path / "models"
    inside.mkdir()
    (inside / "link").symlink_to(outside)
    with pytest.raises(PageError):
        resolve(str(inside / "link"), dataclasses.replace(settings, model_roots=(inside,)))


def test_few_models_stay_loaded(settings):
    from page.answers.models import MAX_LOADED, Models

    loads = []

    def load(name, revision):
        loads.append(name)
        return types.SimpleNamespace(name=name)

    models = Models(settings, load)
    for number in range(MAX_LOADED + 1):
        models.get(f"ns/m{number}")
    models.get(f"ns/m{MAX_LOADED}")
    assert len(loads) == MAX_LOADED + 1
    models.get("ns/m0")
    assert loads[-1] == "ns/m0"


def test_a_visitors_model_is_measured_before_it_is_downloaded(
    settings, world, tmp_path, monkeypatch
):
    from huggingface_hub import constants
    from page.answers.models import Models

    from hub.errors import HubError
    from hub.repos.plans import Target
    from hub.repos.publishing import publish

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with HubServer() as server:
        use_server(monkeypatch, server)
        for name, folder in (("NS/small", "classification"), ("NS/own", "segmentation")):
            publish(world[folder], Target(name, "model"), say=lambda line: None)
        weights = (world["classification"] / "model.safetensors").stat().st_size
        tight = dataclasses.replace(settings, segmenter="NS/own", max_model_bytes=weights)
        with pytest.raises(HubError, match=r"model NS/small is .* MB to download; at most"):
            Models(tight).get("NS/small@main")
        assert not any("/resolve/" in call.path for call in server.calls)
        # The operator's own model has no such bound.
        assert Models(dataclasses.replace(tight, max_model_bytes=0)).get("NS/own").name == "NS/own"
        roomy = dataclasses.replace(tight, max_model_bytes=weights + 100_000)
        found = Models(roomy).get("NS/small@main")
        assert found.revision == server.repo("NS/small").branches["main"]


def test_zerogpu_is_used_where_it_is(monkeypatch):
    """PyPI's `spaces` when it is there; the checkout's folder of that name is not mistaken."""
    code = "import sys; sys.path[:0] = {path!r}; import page.gpu; print(page.gpu.GPU)"
    paths = [str(SPACES), str(ROOT)]
    run = subprocess.run(
        [sys.executable, "-c", code.format(path=paths)], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "None"
    from page import gpu

    monkeypatch.setattr(gpu, "GPU", lambda function: lambda *args: ("on a GPU", function(*args)))
    assert gpu.on_gpu(abs)(-3) == ("on a GPU", 3)


def test_a_scene_and_its_answer_reach_the_gpus_process_and_back(settings, monkeypatch):
    """ZeroGPU hands arguments and results over pickled, to a process with models of its own."""
    from page.answers import analysis, models
    from page.session import Session

    def elsewhere(*arguments):
        return pickle.loads(pickle.dumps(models.predict(*pickle.loads(pickle.dumps(arguments)))))

    session = Session(settings)
    scene = session.sample(next(iter(session.catalogue.entries)))
    chosen = (settings.segmenter, settings.classifier)
    rest = (scene, session.models, chosen, None, lambda share, what: None, threading.Semaphore(1))
    here = analysis.analyse(*rest).summary()
    monkeypatch.setattr(analysis, "_predict", elsewhere)
    assert analysis.analyse(*rest).summary() == here


# --- what an operator may get wrong


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"HEPHAESTUS_JOBS": "many"}, "HEPHAESTUS_JOBS is 'many'; set it to a whole number"),
        ({"HEPHAESTUS_JOBS": "0"}, "HEPHAESTUS_JOBS is '0'; set it to a whole number"),
        ({}, "cannot be served: Cannot find empty port"),
    ],
)
def test_an_operators_mistake_is_told_in_a_line(variables, said, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        variables = variables | {
            "GRADIO_SERVER_NAME": "127.0.0.1",
            "GRADIO_SERVER_PORT": str(taken.getsockname()[1]),
            **{f"HEPHAESTUS_{name}": "nowhere" for name in ("MODEL", "CLASSIFIER", "DATASET")},
            "TMPDIR": str(tmp_path),
        }
        run = subprocess.run(
            [sys.executable, str(SPACES / "app.py")],
            env=os.environ | variables,
            capture_output=True,
            text=True,
            timeout=100,
        )
    assert run.returncode == 1
    assert said in run.stderr and "Traceback" not in run.stderr
    assert not list(tmp_path.iterdir())


# --- examples


def entry(number=0, **changes):
    from page.inputs.catalogue import Entry

    day = datetime.date(2020, 1, 1 + number)
    values = {
        "split": "test",
        "sample_id": f"s{number:03d}",
        "frame_id": "f",
        "volcanoes": (),
        "primary_date": day,
        "secondary_dates": (day,),
        "positive": True,
        "activity_types": frozenset({"Sill"}),
        "intensity_levels": frozenset({"Low"}),
        "phases": ("Unrest",),
        "confidence": 0.8,
        "low_coherence": 0.0,
        "atmospheric_fringes": 1.0,
        "caption": "",
    }
    return Entry(**(values | changes))


QUIET = {"positive": False, "activity_types": frozenset(), "intensity_levels": frozenset()}


def test_examples_follow_their_rules():
    from page.inputs.examples import choose

    entries = [
        entry(0),
        entry(1, intensity_levels=frozenset({"High"})),
        entry(2, intensity_levels=frozenset({"High"}), low_coherence=1.0),
        entry(3, intensity_levels=frozenset({"High"}), split="train"),
        entry(4, activity_types=frozenset({"Sill", "Dyke"})),
        entry(5, activity_types=frozenset({"Earthquake"}), split="train"),
        entry(6, phases=("Rebound",)),
        entry(7, **QUIET, atmospheric_fringes=2.0),
        entry(8, **QUIET, atmospheric_fringes=3.0),
        entry(9, **QUIET, atmospheric_fringes=0.0),
    ]
    chosen = {example.title: example.entry.sample_id for example in choose(entries)}
    assert chosen == {
        "Sill": "s001",
        "Earthquake": "s005",
        "Rebound after unrest": "s006",
        "Strong atmosphere, no deformation": "s008",
        "Low coherence": "s002",
    }


@given(st.permutations(range(12)))
def test_examples_do_not_depend_on_the_order_of_rows(order):
    from page.inputs.examples import choose

    kinds = ["Sill", "Dyke", "Mogi"]
    rows = [entry(n, activity_types=frozenset({kinds[n % 3]}), low_coherence=n % 2) for n in order]
    ids = [example.entry.sample_id for example in choose(rows)]
    assert ids == ["s000", "s004", "s002", "s001"]
    assert len(set(ids)) == len(ids)


def test_catalogue_reads_annotations_without_rasters_and_rows_by_id(settings):
    from page.errors import PageError
    from page.inputs.catalogue import Catalogue

    catalogue = Catalogue(settings)
    assert len(catalogue.entries) == 18
    row = catalogue.row("frame1/20200202/00001")
    assert row["insar_difference"].shape == (3, 64, 64)
    with pytest.raises(PageError, match="no sample"):
        catalogue.row("' or 1=1")


def test_a_visitor_who_comes_while_the_models_load(settings):
    """In a fresh process: one thread imports what models need, others read rows meanwhile."""
    code = f"""
import sys, threading
sys.path.insert(0, {str(SPACES)!r})
from pathlib import Path, PosixPath
from page.session import Session
from page.settings import Settings
session = Session({settings!r})
rows = sorted(session.catalogue.entries)[:4]
loading = threading.Thread(target=session.warm_up)
loading.start()
while loading.is_alive():
    assert session.sample(rows[0]).steps
loading.join()
"""
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]


def test_a_defect_is_told_in_a_sentence_and_logged(settings, caplog):
    import gradio as gr
    from page.answers.models import Models
    from page.session import OUTPUTS, UNEXPECTED, Session

    def load(name, revision):
        raise ZeroDivisionError("secret detail")

    def silent(*_, **__):
        pass

    session = Session(settings, Models(settings, load))
    models = (settings.segmenter, settings.classifier)
    sample = next(iter(session.catalogue.entries))
    parts = dict(zip(OUTPUTS, session.from_sample(sample, *models, silent), strict=True))
    assert UNEXPECTED in parts["notice"] and 'role="alert"' in parts["notice"]
    assert parts["scene_token"] and not parts["answer_token"]
    with pytest.raises(gr.Error, match="Something went wrong") as caught:
        session.predict(None, sample, *models, -1, silent)
    assert "secret" not in str(caught.value) + parts["notice"]
    assert caplog.text.count("ZeroDivisionError: secret detail") == 2


def test_a_dataset_that_is_not_there_is_told_by_the_page(settings, tmp_path):
    from page.session import OUTPUTS, Session

    session = Session(dataclasses.replace(settings, dataset=str(tmp_path / "nowhere")))
    shown = session.from_sample("s1", "", "", lambda *_, **__: None)
    assert "cannot be opened" in dict(zip(OUTPUTS, shown, strict=True))["notice"]


def test_a_dataset_that_is_not_there_is_told(settings, tmp_path):
    from page.errors import PageError
    from page.inputs.catalogue import Catalogue

    for changes in ({"dataset": str(tmp_path / "nowhere")}, {"config": "ts9"}):
        with pytest.raises(PageError, match="cannot be opened"):
            _ = Catalogue(dataclasses.replace(settings, **changes)).entries


def test_a_dataset_without_what_the_page_shows_is_told(settings, tmp_path):
    from datasets import Dataset
    from page.errors import PageError
    from page.inputs.catalogue import Catalogue

    Dataset.from_dict({"sample_id": ["a"], "frame_id": ["f"]}).to_parquet(tmp_path / "a.parquet")
    changes = {"dataset": str(tmp_path), "config": "default"}
    with pytest.raises(PageError, match=r"lacks volcanoes, .* such as ts3"):
        _ = Catalogue(dataclasses.replace(settings, **changes)).entries


# --- pictures


def decode(uri):
    import base64
    import io

    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))).convert("RGBA"))


def test_phase_colours_close_their_circle():
    from page.view import pictures

    nothing = np.zeros((1, 3), bool)
    left, middle, right = decode(pictures.phase(np.array([[-np.pi, 0, np.pi]]), nothing))[0, :, :3]
    assert np.abs(left.astype(int) - right).max() <= 8
    assert np.abs(left.astype(int) - middle).max() > 60


def test_no_data_is_transparent():
    from page.view import pictures

    values = np.array([[0.5, np.nan], [0.1, 0.9]])
    hidden = np.array([[False, False], [True, False]])
    alpha = decode(pictures.probability(values, hidden))[..., 3]
    assert alpha.tolist() == [[255, 0], [0, 255]]


def test_large_frames_are_shown_small():
    from page.view import pictures

    values = np.zeros((2500, 3000), np.float32)
    height, width, _ = decode(pictures.phase(values, values > 1)).shape
    assert max(height, width) <= pictures.LONGEST_SIDE and height / width == pytest.approx(5 / 6)


def test_outline_runs_around_the_mask():
    from page.view import pictures

    mask = np.zeros((64, 64), bool)
    mask[20:40, 20:40] = True
    drawn = decode(pictures.outline(mask))[..., 3] > 0
    factor = drawn.shape[0] // 64
    assert drawn[20 * factor, 30 * factor] and drawn[40 * factor - 1, 30 * factor]
    assert not drawn[30 * factor, 30 * factor] and not drawn[:10].any()


def test_the_annotators_mask_is_dashed():
    from page.view import pictures

    mask, known = np.zeros((2, 64, 64), bool)
    known[20:40, 20:40] = True
    drawn = decode(pictures.outline(mask, known))
    factor = drawn.shape[0] // 64
    edge = drawn[20 * factor, 22 * factor : 38 * factor]
    assert 0.3 < (edge[:, 3] > 0).mean() < 0.7
    assert (edge[edge[:, 3] > 0][:, :3] == (255, 207, 51)).all()


def test_a_mask_without_georeference_is_counted_in_pixels():
    from page.answers.analysis import Answer
    from page.view import views

    from hub.inference.prediction import Prediction
    from hub.scenes.scene import make_scene
    from tests.hub.models import make_facts

    scene = make_scene("a", np.ones((8, 8), "float32"))
    probability = np.zeros((8, 8), "float32")
    probability[2:5, 2:6] = 0.9
    answer = {"Non_Deformation": 0.1, "Deformation": 0.9}
    prediction = Prediction(
        scene, make_facts("smp"), "m", "local", "", probability, 0.9, answer, 0.5, (4.0, 4.0)
    )
    assert "12 pixels" in views.facts(Answer(scene, prediction, None))


# --- what comes from outside is text


def test_names_from_outside_are_escaped():
    from page.view import views

    from hub.scenes.scene import make_scene

    evil = "<img src=x onerror=alert(1)>"
    scene = make_scene("a", np.ones((4, 4), "float32"))
    for text in (views.notice(evil), views.scene_notice(scene, evil)):
        assert "<img" not in text and "&lt;img" in text


# --- the Space as it is deployed


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    from hub.repos.space import prepare_space

    return prepare_space(tmp_path_factory.mktemp("deployed") / "space")


def test_the_spaces_card_says_what_the_hub_needs():
    front = yaml.safe_load((SPACES / "README.md").read_text().split("---")[1])
    import gradio

    assert front["sdk"] == "gradio" and front["sdk_version"] == gradio.__version__
    assert (SPACES / front["app_file"]).is_file()
    assert len(front["short_description"]) <= 60
    assert {front["colorFrom"], front["colorTo"]} <= {
        "red",
        "yellow",
        "green",
        "blue",
        "indigo",
        "purple",
        "pink",
        "gray",
    }


def test_everything_imported_is_required(deployed):
    """Every third-party import of the deployed files is required, or comes with Gradio."""
    smp = ("segmentation_models_pytorch", "segmentation-models-pytorch")
    names = dict([("PIL", "pillow"), ("yaml", "pyyaml"), smp])
    lines = (deployed / "requirements.txt").read_text().splitlines()
    required = {re.split(r"[\[>=<]", line)[0] for line in lines if line and line[0] != "#"}
    required |= {"gradio", "gradio_client", "starlette"}  # the SDK
    required |= {"httpx", "httpx2"}  # huggingface_hub's own clients, for their exceptions
    ours = {path.name for path in deployed.iterdir() if path.is_dir()}
    found = set()
    for path in deployed.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add(node.module.split(".")[0])
    found -= ours | set(sys.stdlib_module_names)
    assert {names.get(name, name) for name in found} <= required


def test_the_deployed_page_builds_on_its_own(deployed, tmp_path):
    """In a folder of its own it finds all of its modules beside app.py, and none elsewhere."""
    code = (
        "import sys, runpy; sys.path.insert(0, sys.argv[1]);"
        "runpy.run_path(sys.argv[1] + '/app.py');"
        "from page.session import Session; from page.settings import Settings;"
        "from page.layout import build; build(Session(Settings()));"
        "ours = [m for n, m in sys.modules.items() if n.split('.')[0] in"
        " ('page', 'hub', 'training', 'dataset_script')];"
        "assert all(m.__file__.startswith(sys.argv[1]) for m in ours), ours; print(len(ours))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(deployed)], cwd=tmp_path, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert int(run.stdout.split()[-1]) > 20
