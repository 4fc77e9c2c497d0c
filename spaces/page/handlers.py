"""The handlers of the page's events: a visitor's request in, the changed parts of the page out."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
import transformers  # noqa: F401 - see below

from dataset_script.errors import HephaestusError
from hub.scenes.load import load_scene
from hub.scenes.scene import Scene
from page.answers.analysis import Answer, analyse, scene_rasters
from page.answers.cache import ExpiringCache
from page.answers.downloads import NAMES, available
from page.answers.loaded_models import LoadedModels
from page.errors import PageError
from page.inputs.catalogue import Catalogue
from page.inputs.examples import Example, choose
from page.inputs.uploads import read_upload
from page.settings import Settings
from page.view import maps, panels, text

# `datasets` looks into `transformers` as soon as it is half imported: a visitor who asks for a
# row while another thread loads the first model would be refused. So it is imported here, before
# there are threads.

_LOG = logging.getLogger(__name__)

UNEXPECTED = (
    "Something went wrong in the page itself, and its operator’s log says what. Try again, or "
    "choose another scene."
)
"""What a visitor reads when the page itself has failed."""

OUTPUTS = (
    "scene_token",
    "answer_token",
    "notice",
    "numbers",
    "threshold",
    "outline",
    "panels",
    "strip",
    "map",
    "downloads",
    "models",
)
"""The parts of the page that an analysis fills, in the order that the events return them."""


class Handlers:
    """Event handlers, with the models, dataset and results that all visitors share.

    Args:
        settings: The operator's choices.
        models: Models kept loaded; the settings' own where None.
    """

    def __init__(self, settings: Settings, models: LoadedModels | None = None) -> None:
        self.settings = settings
        self.models = models or LoadedModels(settings)
        self.catalogue = Catalogue(settings)
        bounds = settings.cache_bytes // 2, settings.cache_seconds
        self.scenes: ExpiringCache[Scene] = ExpiringCache(*bounds)
        self.answers: ExpiringCache[Answer] = ExpiringCache(*bounds)
        self._running = threading.Semaphore(settings.jobs)

    def examples(self) -> list[Example]:
        """The curated examples; none where the operator named no dataset."""
        return choose(self.catalogue.entries.values()) if self.catalogue.configured else []

    def sample(self, sample_id: str) -> Scene:
        """A row of the dataset as a scene."""
        return load_scene(self.catalogue.row(sample_id))

    def from_sample(
        self,
        sample_id: str | None,
        segmenter: str,
        classifier: str,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - Gradio finds it as a default
    ) -> list[Any]:
        """An example or a browsed row was chosen."""

        def read() -> tuple[Scene, str]:
            if not sample_id:
                raise PageError("Choose a frame, a primary date and secondary dates first.")
            return self.sample(sample_id), self.catalogue.entries[sample_id].annotation

        return self._show(read, segmenter, classifier, progress)

    def from_upload(
        self,
        paths: Sequence[str] | None,
        segmenter: str,
        classifier: str,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> list[Any]:
        """Files were sent; the file input is emptied, since the files are deleted once read."""

        def read() -> tuple[Scene, str]:
            return read_upload(paths or (), self.settings), ""

        return [*self._show(read, segmenter, classifier, progress), None]

    def again(
        self,
        scene_token: str,
        segmenter: str,
        classifier: str,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> list[Any]:
        """The same scene, other models."""

        def read() -> tuple[Scene, str]:
            if not scene_token:
                raise PageError("Choose an example, or send a file, first.")
            return self.scenes.get(scene_token), ""

        return self._show(read, segmenter, classifier, progress)

    def warm_up(self) -> None:
        """Load the operator's models before the first visitor asks; failures can wait for them."""
        for reference in filter(None, (self.settings.segmenter, self.settings.classifier)):
            with contextlib.suppress(HephaestusError):
                self.models.get(reference)

    def redraw(self, answer_token: str, threshold: float) -> list[Any]:
        """The threshold moved: outline, numbers and links; no model is asked."""
        try:
            answer = self.answers.get(answer_token).at(threshold)
        except PageError as error:
            return [gr.skip(), gr.skip(), gr.skip(), text.notice(str(error), "error")]
        return [
            panels.outline(answer),
            text.numbers(answer),
            text.downloads(answer_token, threshold, available(answer)),
            gr.skip(),
        ]

    def redraw_map(self, answer_token: str, threshold: float) -> Any:
        """The slider was released: the map."""
        try:
            return maps.mask_map(self.answers.get(answer_token).at(threshold))
        except PageError:
            return gr.skip()  # `redraw` shows the reason

    def predict(
        self,
        files: Sequence[str] | None,
        sample: str,
        segmenter: str,
        classifier: str,
        threshold: float,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> dict[str, Any]:
        """The endpoint for programs.

        Args:
            files: LiCSAR GeoTIFFs, one .npz, or one zipped minicube; or none.
            sample: The sample_id of a row of the dataset, where no files are sent.
            segmenter: Segmentation model; "" for the page's own, "none" for none.
            classifier: Classifier; "" for the page's own, "none" for none.
            threshold: For the mask, 0..1; negative for the model's own.
            progress: Gradio's.

        Returns:
            The numbers, and the paths of the result's files on this server.
        """
        try:
            scene = read_upload(files, self.settings) if files else self.sample(sample)
            chosen = segmenter or self.settings.segmenter, classifier or self.settings.classifier
            level = None if threshold < 0 else min(threshold, 1.0)
            answer = analyse(scene, self.models, chosen, level, progress, self._running)
        except HephaestusError as error:
            raise gr.Error(str(error), print_exception=False) from None
        except Exception:
            _LOG.exception("a program's request failed")
            raise gr.Error(UNEXPECTED, print_exception=False) from None
        token = self._keep(answer)
        links = {name: f"/result/{token}/{name}" for name in available(answer)}
        return {**answer.summary(), "files": links}

    def _keep(self, answer: Answer) -> str:
        slim = answer.without_atmosphere()
        return self.answers.put(slim, slim.nbytes)

    def _show(
        self,
        read: Callable[[], tuple[Scene, str]],
        segmenter: str,
        classifier: str,
        progress: gr.Progress,
    ) -> list[Any]:
        """Read a scene and its annotation, analyse, fill the page; or say why not."""
        scene_token = ""
        try:
            progress(0.02, desc="Reading")
            scene, annotation = read()
            scene_token = self.scenes.put(scene, sum(r.nbytes for r in scene_rasters(scene)))
            chosen = segmenter, classifier
            answer = analyse(scene, self.models, chosen, None, progress, self._running)
            return [scene_token, *self._drawn(answer, annotation)]
        except HephaestusError as error:
            message = str(error)
        except Exception:  # A defect: its traceback is for the operator, not for the visitor.
            _LOG.exception("an analysis failed")
            message = UNEXPECTED
        return blank(text.notice(message, "error"), scene_token)

    def _drawn(self, answer: Answer, annotation: str) -> list[Any]:
        """Every part of `OUTPUTS` after the scene's token."""
        token = self._keep(answer)
        drawn = answer.segmentation
        slider = gr.update(
            value=0.5 if drawn is None else round(drawn.threshold, 2), interactive=drawn is not None
        )
        return [
            token,
            text.scene_notice(answer.scene, annotation),
            text.numbers(answer),
            slider,
            panels.outline(answer),
            panels.panels(answer),
            panels.strip(answer),
            maps.mask_map(answer),
            text.downloads(token, None, available(answer)),
            text.models(answer),
        ]


def blank(notice: str, scene_token: str = "") -> list[Any]:
    """Every part of the page as it is without a result, below a notice."""
    return [
        scene_token,
        "",
        notice,
        text.empty_numbers(),
        gr.update(interactive=False),
        panels.outline(None),
        panels.empty_panels(),
        panels.strip(None),
        maps.empty_map(),
        text.downloads(None, None, NAMES),
        text.models(None),
    ]
