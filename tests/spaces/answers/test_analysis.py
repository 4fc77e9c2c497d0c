"""An analysis whose models are in another process, as on ZeroGPU."""

import pickle
import threading

from page.answers import analysis, loaded_models
from page.inputs.catalogue import Catalogue

from hub.scenes.load import load_scene


def test_a_scene_and_its_answer_reach_the_gpus_process_and_back(settings, monkeypatch):
    """ZeroGPU hands arguments and results over pickled, to a process with models of its own."""

    def elsewhere(*arguments):
        answer = loaded_models.predict(*pickle.loads(pickle.dumps(arguments)))
        return pickle.loads(pickle.dumps(answer))

    catalogue, models = Catalogue(settings), loaded_models.LoadedModels(settings)
    scene = load_scene(catalogue.row(next(iter(catalogue.entries))))
    chosen = (settings.segmenter, settings.classifier)
    rest = (
        scene,
        models,
        chosen,
        None,
        analysis.Follow(lambda share, what: None),
        threading.Semaphore(1),
    )
    here = analysis.analyse(*rest).summary()
    monkeypatch.setattr(analysis, "_predict", elsewhere)
    assert analysis.analyse(*rest).summary() == here
