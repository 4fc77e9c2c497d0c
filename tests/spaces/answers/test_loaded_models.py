"""Which models a visitor may open, and how many stay loaded."""

import dataclasses
import types

import pytest
from huggingface_hub import constants
from page.answers.loaded_models import MAX_LOADED, LoadedModels, local_models, resolve
from page.errors import PageError

from hub.errors import HubError
from hub.repos.plans import Target
from hub.repos.publishing import publish
from tests.hub.conftest import use_server
from tests.hub_server.server import HubServer
from tests.places import ROOT


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
    monkeypatch.chdir(ROOT)

    def load(*args, **kwargs):
        raise AssertionError(f"opened {args}")

    with pytest.raises(PageError, match="no model that this page opens"):
        LoadedModels(settings, load).get(text)


def test_what_may_be_opened(settings, world):
    assert resolve("ns/name", settings) == ("ns/name", None)
    assert resolve(" ns/name@v1.0 ", settings) == ("ns/name", "v1.0")
    folder = str(world["segmentation"])
    assert resolve(folder, settings) == (folder, None)
    assert folder in map(str, local_models(settings).values())
    assert resolve("models/segmentation", settings) == (folder, None)
    inner = dataclasses.replace(settings, segmenter="", classifier="")
    assert resolve(folder, inner) == (folder, None)


def test_models_of_one_name_are_told_apart(settings, tmp_path):
    for place in ("a", "b"):
        model = tmp_path / place / "models" / "m"
        model.mkdir(parents=True)
        (model / "hephaestus.json").write_text("{}")
    named = local_models(dataclasses.replace(settings, model_roots=(tmp_path,)))
    assert list(named) == ["models/m", "b/models/m"]
    assert not any(str(tmp_path) in name for name in named)


def test_a_link_out_of_the_folders_is_not_followed(settings, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    inside = tmp_path / "models"
    inside.mkdir()
    (inside / "link").symlink_to(outside)
    with pytest.raises(PageError):
        resolve(str(inside / "link"), dataclasses.replace(settings, model_roots=(inside,)))


def test_few_models_stay_loaded(settings):
    loads = []

    def load(name, revision):
        loads.append(name)
        return types.SimpleNamespace(name=name)

    models = LoadedModels(settings, load)
    for number in range(MAX_LOADED + 1):
        models.get(f"ns/m{number}")
    models.get(f"ns/m{MAX_LOADED}")
    assert len(loads) == MAX_LOADED + 1
    models.get("ns/m0")
    assert loads[-1] == "ns/m0"


def test_a_visitors_model_is_measured_before_it_is_downloaded(
    settings, world, tmp_path, monkeypatch
):

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with HubServer() as server:
        use_server(monkeypatch, server)
        for name, folder in (("NS/small", "classification"), ("NS/own", "segmentation")):
            publish(world[folder], Target(name, "model"), say=lambda line: None)
        weights = (world["classification"] / "model.safetensors").stat().st_size
        tight = dataclasses.replace(settings, segmenter="NS/own", max_model_bytes=weights)
        with pytest.raises(HubError, match=r"model NS/small is .* MB to download; at most"):
            LoadedModels(tight).get("NS/small@main")
        assert not any("/resolve/" in call.path for call in server.calls)
        # The operator's own model has no such bound.
        assert (
            LoadedModels(dataclasses.replace(tight, max_model_bytes=0)).get("NS/own").name
            == "NS/own"
        )
        roomy = dataclasses.replace(tight, max_model_bytes=weights + 100_000)
        found = LoadedModels(roomy).get("NS/small@main")
        assert found.revision == server.repo("NS/small").branches["main"]
