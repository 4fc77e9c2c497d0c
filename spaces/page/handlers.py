"""The handlers of the page's events: a visitor's request in, the changed parts of the page out."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr
import transformers  # noqa: F401 - see below

from dataset_script.errors import HephaestusError
from hub.scenes.load import load_scene
from hub.scenes.scene import Scene
from page.answers.downloads import available
from page.answers.jobs import Jobs
from page.answers.kept import Kept
from page.answers.loaded_models import LoadedModels
from page.endpoint import Endpoint
from page.errors import PageError
from page.inputs.catalogue import Catalogue
from page.inputs.examples import Example, choose
from page.inputs.known import NOTHING, Known
from page.inputs.own_examples import OwnExamples
from page.inputs.parts import cut_part
from page.inputs.uploads import discard, read_upload
from page.records.kept_record import open_records
from page.runs import Read, Runs, as_list
from page.settings import Settings
from page.view import maps, parts, text

# `datasets` looks into `transformers` as soon as it is half imported: a visitor who asks for a
# row while another thread loads the first model would be refused. So it is imported here, before
# there are threads.


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
        self.own = OwnExamples(settings)
        self.records = open_records(settings)
        self.kept = Kept(settings)
        self.jobs = Jobs()
        running = threading.Semaphore(settings.jobs)
        self.runs = Runs(self.models, self.kept, self.jobs, running)
        self.endpoint = Endpoint(
            settings, self.models, self.kept, self.jobs, running, self._read_sample
        )

    def examples(self) -> list[Example]:
        """The curated examples of the dataset; none where the operator named no dataset."""
        return choose(self.catalogue.entries.values()) if self.catalogue.configured else []

    def sample(self, sample_id: str) -> Scene:
        """A row of the dataset as a scene."""
        return load_scene(self.catalogue.row(sample_id))

    def _read_sample(self, sample_id: str | None) -> tuple[Scene, Known]:
        if not sample_id:
            raise PageError("Choose a frame, a primary date and secondary dates first.")
        if self.own.has(sample_id):
            return self.own.read(sample_id)
        return self.sample(sample_id), self.catalogue.known(sample_id)

    def announce(self, turn: Any, request: gr.Request) -> None:
        """A visitor has chosen: what runs for an earlier choice ends, whatever the queue holds."""
        self.jobs.announce(_session(request), _turn(turn))

    def cancel(self, turn: Any, request: gr.Request) -> list[Any]:
        """Cancel was pressed."""
        number = _turn(turn)
        self.jobs.announce(_session(request), number, cancels=True)
        return as_list(parts.blank(parts.CANCELLED, "", number))

    def refused(self, turn: Any) -> list[Any]:
        """Gradio has not taken the request: its own message is soon gone."""
        return as_list(parts.blank(parts.REFUSED, "error", _turn(turn)))

    def leave(self, request: gr.Request) -> None:
        """A visitor has closed the page."""
        self.jobs.leave(_session(request))

    def from_sample(
        self, sample_id: str | None, segmenter: str, classifier: str, turn: Any, request: gr.Request
    ) -> Iterator[list[Any]]:
        """An example or a browsed row was chosen."""
        yield from self._show(
            lambda: self._read_sample(sample_id), segmenter, classifier, turn, request
        )

    def from_upload(
        self,
        paths: Sequence[str] | None,
        segmenter: str,
        classifier: str,
        turn: Any,
        request: gr.Request,
    ) -> Iterator[list[Any]]:
        """Files were sent; the file input is emptied, since the files are deleted once read."""
        empty_input: Any = None
        try:
            for shown in self._show(
                lambda: (read_upload(paths or (), self.settings), NOTHING),
                segmenter,
                classifier,
                turn,
                request,
            ):
                yield [*shown, empty_input]
                empty_input = gr.skip()
        finally:
            discard(paths or ())  # also where the choice was overtaken before they were read

    def again(
        self, scene_token: str, segmenter: str, classifier: str, turn: Any, request: gr.Request
    ) -> Iterator[list[Any]]:
        """The same scene, other models."""
        yield from self._show(
            lambda: self._kept_scene(scene_token), segmenter, classifier, turn, request
        )

    def part(
        self,
        scene_token: str,
        segmenter: str,
        classifier: str,
        box: str,
        turn: Any,
        request: gr.Request,
    ) -> Iterator[list[Any]]:
        """A window of the scene first; the whole scene stays the one that “again” analyses."""

        def read() -> tuple[Scene, Known]:
            scene, known = self._kept_scene(scene_token)
            return cut_part(scene, box), known

        for shown in self._show(read, segmenter, classifier, turn, request):
            yield [gr.skip(), *shown[1:]]

    def warm_up(self) -> None:
        """Load the operator's models before the first visitor asks; failures can wait for them."""
        for reference in filter(None, (self.settings.segmenter, self.settings.classifier)):
            with contextlib.suppress(HephaestusError):
                self.models.get(reference)

    def restore(self, request: gr.Request) -> list[Any]:
        """The page was opened by a link to a result."""
        query = request.query_params if request else {}
        token = str(query.get("result", ""))
        if not token:
            return as_list({})
        try:
            answer = self.kept.answers.get(token)
        except PageError:
            gone = "The result of this link is no longer kept. Choose the scene again."
            return as_list(parts.blank(gone, "error", 0))
        shown = parts.drawn(answer, token, 0)
        if "threshold" in query and answer.segmentation is not None:
            level = threshold_in_range(query["threshold"])
            moved = answer.at(level)
            shown |= {
                "numbers": text.numbers(moved),
                "threshold": gr.update(value=level, interactive=True),
                "map": maps.mask_map(moved),
                "downloads": text.downloads(token, level, available(moved)),
            }
        return as_list(shown)

    def redraw(self, answer_token: str, threshold: Any, moved: str) -> list[Any]:
        """The threshold moved: numbers, links, and the control itself.

        Args:
            answer_token: The answer's.
            threshold: Within the slider's range.
            moved: Not empty where something else was typed: only then is the control written to,
                which would else take it out of the visitor's hand.
        """
        level = threshold_in_range(threshold)
        if not answer_token:
            return [gr.skip()] * 4
        try:
            answer = self.kept.answers.get(answer_token).at(level)
        except PageError as error:
            return [gr.skip(), gr.skip(), gr.skip(), text.notice(str(error), "error")]
        return [
            text.numbers(answer),
            text.downloads(answer_token, level, available(answer)),
            level if moved else gr.skip(),
            gr.skip(),
        ]

    def redraw_map(self, answer_token: str, threshold: Any) -> Any:
        """The slider was released: the map."""
        try:
            return maps.mask_map(
                self.kept.answers.get(answer_token).at(threshold_in_range(threshold))
            )
        except PageError:
            return gr.skip()  # `redraw` shows the reason

    def _kept_scene(self, scene_token: str) -> tuple[Scene, Known]:
        if not scene_token:
            raise PageError("Choose an example, or send a file, first.")
        found = self.kept.scenes.get(scene_token)
        return found.scene, found.known

    def _show(
        self, read: Read, segmenter: str, classifier: str, turn: Any, request: gr.Request
    ) -> Iterator[list[Any]]:
        references = segmenter or "", classifier or ""
        yield from self.runs.stream(_session(request), _turn(turn), read, references)


def threshold_in_range(value: Any, lowest: float = 0.01, highest: float = 0.99) -> float:
    """What was typed or sent as a threshold, moved into the slider's range; its middle for none."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return 0.5
    return min(max(number, lowest), highest) if math.isfinite(number) else 0.5


def _session(request: gr.Request | None) -> str:
    return getattr(request, "session_hash", None) or ""


def _turn(turn: Any) -> int:
    """The number of a choice, as the browser sent it."""
    try:
        return max(int(turn), 0)
    except (TypeError, ValueError, OverflowError):
        return 0
