"""Every library loads its own package, in a process without our packages, to the same outputs."""

import json

import numpy as np
import pytest
import torch

from dataset_script.errors import ConfigError, DataError
from hub.__main__ import main
from hub.errors import HubError
from hub.repos.loading import find_published
from hub.repos.packaging import package_model, package_run
from hub.repos.planes import output_names, plane_names, plane_statistics
from tests.hub import captioners, retrievers
from tests.hub.captioners import make_caption_run
from tests.hub.facts import KINDS, make_facts
from tests.hub.models import make_input, make_model, make_run
from tests.hub.retrievers import make_retrieval_run
from tests.hub_server.cards import validate_card
from training.facts import ModelFacts
from training.inputs.preprocessing import Preprocessor

LIBRARIES = ("timm", "smp", "vit", "segformer")

# What a reader of the cards would type, once for the repositories and once for the folders.
PLAIN = """
import json, re, sys
import numpy as np, torch

x = {kind: torch.from_numpy(np.load(f"{ROOT}/{kind}.npy")).flatten(1, 2) for kind in NAMES}
out, said = {}, {}
import timm
import segmentation_models_pytorch as smp
from huggingface_hub import hf_hub_download
from transformers import (
    AutoImageProcessor, AutoModelForImageClassification, AutoModelForSemanticSegmentation
)

def load(where, names, folder_of):
    model = timm.create_model(names["timm"], pretrained=True).eval()
    out[f"{where} timm"] = model(x["timm"])
    said[f"{where} timm"] = timm.data.resolve_model_data_config(model) | {
        "classes": model.pretrained_cfg["num_classes"]
    }
    name = names["timm"].split(":")[1]
    model = AutoModelForImageClassification.from_pretrained(name).eval()
    out[f"{where} wrapped"] = model(pixel_values=x["timm"]).logits
    said[f"{where} labels"] = model.config.id2label
    said[f"{where} facts"] = model.config.hephaestus
    processed = AutoImageProcessor.from_pretrained(name)(x["timm"])
    out[f"{where} timm normalised"] = processed["pixel_values"]

    model = AutoModelForImageClassification.from_pretrained(names["vit"]).eval()
    out[f"{where} vit"] = model(pixel_values=x["vit"]).logits
    model = AutoModelForSemanticSegmentation.from_pretrained(names["segformer"]).eval()
    out[f"{where} segformer"] = model(pixel_values=x["segformer"]).logits
    said[f"{where} segformer"] = model.config.hephaestus
    out[f"{where} smp"] = smp.from_pretrained(names["smp"]).eval()(x["smp"])
    for kind in ("vit", "segformer", "smp"):
        processor = AutoImageProcessor.from_pretrained(names[kind])
        processed = processor(list(x[kind].numpy()), return_tensors="pt")
        out[f"{where} {kind} normalised"] = processed["pixel_values"]
    said[f"{where} planes"] = processor.channel_names
    for kind in names:
        card = open(folder_of(kind)).read()
        code = re.search(r"```python\\n(.*?)```", card, re.DOTALL)[1]
        assert len([line for line in code.splitlines() if line]) == 3, code
        found = {}
        exec(code, found)
        said[f"{where} {kind} card"] = list(found["logits"].shape)

with torch.no_grad():
    hub = {kind: f"NS/{kind}" for kind in NAMES} | {"timm": "hf-hub:NS/timm"}
    load("hub", hub, lambda kind: hf_hub_download(f"NS/{kind}", "README.md"))
    folder = {kind: f"{ROOT}/{kind}" for kind in NAMES} | {"timm": f"local-dir:{ROOT}/timm"}
    load("folder", folder, lambda kind: f"{ROOT}/{kind}/README.md")
assert not any(name in sys.modules for name in ("training", "hub", "dataset_script"))
np.savez(f"{ROOT}/out.npz", **out)
json.dump(said, open(f"{ROOT}/said.json", "w"))
"""


def test_pushed_models_load_with_the_libraries_alone(hub, tmp_path, plain):
    answers, out = {}, tmp_path / "out"
    for kind in LIBRARIES:
        facts, model = make_run(tmp_path / "runs" / kind, kind)
        run, series = str(tmp_path / "runs" / kind), make_input(facts)
        main(["push-model", run, "--repo-id", f"NS/{kind}", "--dataset", "NS/hephaestus-minicubes"])
        main(["push-model", run, "--to-folder", str(out / kind)])
        np.save(out / f"{kind}.npy", series.numpy())
        with torch.no_grad():
            answers[kind] = model(series).numpy()
        card = hub.repo(f"NS/{kind}").head()["README.md"].data.decode()
        assert validate_card(card, "model") == []
        assert "secret" not in card
        assert any(path.startswith(".eval_results/") for path in hub.repo(f"NS/{kind}").head())
    facts, captioner = make_caption_run(tmp_path / "runs/captioner")
    main(["push-model", str(tmp_path / "runs/captioner"), "--to-folder", str(out / "captioner")])
    normal = captioners.save_planes(out, facts)
    _, retriever = make_retrieval_run(tmp_path / "runs/retriever")
    main(["push-model", str(tmp_path / "runs/retriever"), "--to-folder", str(out / "retriever")])
    names = f"ROOT, NAMES = {str(out)!r}, {LIBRARIES!r}\n"
    plain(names + PLAIN + captioners.PLAIN + retrievers.PLAIN, server=hub)
    captioners.check_plain(out, captioner, normal)
    retrievers.check_plain(out, retriever, normal)
    for where in ("hub", "folder"):
        check(where, out, answers)


def check(where, root, answers):
    out = np.load(root / "out.npz")
    said = json.loads((root / "said.json").read_text())
    facts = make_facts("timm")
    mean, std = (np.array(v).reshape(-1, 1, 1) for v in plane_statistics(facts))
    for kind in ("timm", "vit", "smp"):
        np.testing.assert_allclose(out[f"{where} {kind}"], answers[kind], atol=1e-6)
    np.testing.assert_allclose(out[f"{where} wrapped"], answers["timm"], atol=1e-6)
    coarse = torch.from_numpy(out[f"{where} segformer"])
    fine = torch.nn.functional.interpolate(coarse, size=(32, 32), mode="bilinear")
    np.testing.assert_allclose(fine, answers["segformer"], atol=1e-6)
    for kind in LIBRARIES:
        planes = np.load(root / f"{kind}.npy").reshape(2, 6, 32, 32)
        normalised = out[f"{where} {kind} normalised"]
        np.testing.assert_allclose(normalised, (planes - mean) / std, atol=1e-5)
    config = said[f"{where} timm"]
    assert config["input_size"] == [6, 32, 32]
    assert config["classes"] == 2
    np.testing.assert_allclose(config["mean"], mean.ravel())
    np.testing.assert_allclose(config["std"], std.ravel())
    assert said[f"{where} labels"] == {"0": "Non_Deformation", "1": "Deformation"}
    assert said[f"{where} planes"] == plane_names(facts)
    assert ModelFacts.from_dict(said[f"{where} facts"]) == facts
    assert ModelFacts.from_dict(said[f"{where} segformer"]) == make_facts("segformer")
    shapes = [said[f"{where} {kind} card"] for kind in LIBRARIES]
    assert shapes == [[1, 2], [1, 2, 32, 32], [1, 2], [1, 2, 8, 8]]


def test_temporal_model_loads_by_its_own_class_and_its_card(tmp_path):
    facts, model = make_run(tmp_path / "run", "temporal")
    main(["push-model", str(tmp_path / "run"), "--to-folder", str(tmp_path / "out")])
    assert ModelFacts.load(tmp_path / "out/hephaestus.json") == facts
    found = {}
    card = (tmp_path / "out/README.md").read_text()
    exec(card.split("```python\n")[1].split("```")[0], found)
    assert found["logits"].shape == (1, 2)
    series = make_input(facts)
    with torch.no_grad():
        np.testing.assert_allclose(found["model"](series), model(series), atol=1e-6)


def test_packages_are_the_same_bytes_each_time(tmp_path):
    for name in ("a", "b"):
        for kind in KINDS:
            facts = make_facts(kind)
            (tmp_path / name / kind).mkdir(parents=True)
            package_model(make_model(kind, facts).backbone, facts, tmp_path / name / kind)
    files = [path for path in sorted((tmp_path / "a").rglob("*")) if path.is_file()]
    assert len(files) >= 3 * len(KINDS)
    for path in files:
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()


def test_pushing_a_model_twice_sends_it_once(hub, tmp_path, capsys):
    make_run(tmp_path / "run")
    command = ["push-model", str(tmp_path / "run"), "--repo-id", "NS/model", "--tag", "v1"]
    main(command)
    main(command)
    assert "4 unchanged; 0 B to send" in capsys.readouterr().out
    assert len(list(hub.repo("NS/model").history())) == 2


def test_planes_and_outputs_are_time_major():
    facts = make_facts("timm", channels=("dem", "insar_difference"), mask_target="all")
    assert plane_names(facts) == ["dem_1", "insar_difference_1", "dem_2", "insar_difference_2"]
    mean, std = plane_statistics(facts)
    assert mean == [*facts.mean, *facts.mean]
    assert std[1] == std[3] == facts.std[1]
    assert output_names(facts)[1:3] == ["Deformation_1", "Non_Deformation_2"]


def test_a_circular_phase_is_two_planes():
    facts = make_facts("timm", channels=("insar_difference", "dem"), phase="circular")
    names = ["insar_difference_cosine_1", "dem_1", "insar_difference_sine_1"]
    assert plane_names(facts)[:3] == names and len(plane_names(facts)) == 6
    mean, std = plane_statistics(facts)
    phase = np.array([0.3, -2.0])
    planes = np.stack([np.cos(phase), np.full(2, 100.0), np.sin(phase)])[:, None, None]
    rasters = {
        "insar_difference": torch.from_numpy(phase[None, None, None]).float(),
        "dem": torch.full((1, 1, 1, 2), 100.0),
    }
    seen = Preprocessor(facts.channels, 1, phase="circular")(rasters)[0, 0].numpy()
    ours = (planes - np.array(mean[:3])[:, None, None, None]) / np.array(std[:3])[
        :, None, None, None
    ]
    np.testing.assert_allclose(ours[:, 0, 0], seen[:, 0], atol=1e-5)


def test_a_packaged_model_names_the_channels_that_do_not_fit(tmp_path):
    facts = make_facts("timm", channels=("dem", "insar_difference"))
    package_model(make_model("timm", facts).backbone, facts, tmp_path)
    saved = ModelFacts.load(tmp_path / "hephaestus.json")
    saved.require_channels(("dem", "insar_difference"))
    with pytest.raises(ConfigError, match=r"has insar_difference in place 0 where .* expects dem"):
        saved.require_channels(("insar_difference", "dem"))
    with pytest.raises(ConfigError, match="lacks dem"):
        saved.require_channels(("insar_difference",))


def test_unknown_library_and_foreign_folders_are_refused(tmp_path):
    with pytest.raises(HubError, match="no way to package a 'keras' model"):
        package_model(torch.nn.Identity(), make_facts("timm", library="keras"), tmp_path)
    make_run(tmp_path / "run")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.tex").write_text("x")
    with pytest.raises(DataError, match=r"no hephaestus\.json in it"):
        package_run(tmp_path / "run", tmp_path / "mine")
    assert (tmp_path / "mine/thesis.tex").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"run", "mine"}
    package_run(tmp_path / "run", tmp_path / "package")
    (tmp_path / "package/old.json").touch()
    package_run(tmp_path / "run", tmp_path / "package")  # an earlier package is replaced
    assert not (tmp_path / "package/old.json").exists()


def test_what_is_no_run_is_told(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["push-model", str(tmp_path), "--to-folder", str(tmp_path / "out")])
    assert "model.json is missing: is this a training run's folder?" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_whole_module_is_refused_as_a_run_and_as_a_model(tmp_path, capsys):
    file = tmp_path / "model.pt"
    torch.save(torch.nn.Linear(2, 2), file)
    with pytest.raises(SystemExit):
        main(["push-model", str(file), "--to-folder", str(tmp_path / "out")])
    assert "could run code from it, so it is refused" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="so it is refused"):
        find_published(str(file))
