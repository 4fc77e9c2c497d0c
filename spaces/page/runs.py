"""An analysis as the page shows it: progress, a preview, then the answer; or why there is none."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from dataset_script.errors import HephaestusError
from hub.scenes.scene import Scene
from page.answers.analysis import Answer, Follow, analyse, scene_rasters
from page.answers.jobs import Job, Jobs, Stopped
from page.answers.kept import Kept, KeptScene
from page.answers.loaded_models import LoadedModels
from page.inputs.known import Known
from page.view import parts
from page.view.parts import OUTPUTS, UNEXPECTED

_LOG = logging.getLogger(__name__)

Read = Callable[[], tuple[Scene, Known]]
"""Reads the scene that was chosen."""

BEAT = 0.25
"""Seconds between two looks at the work, and so between two updates of the page."""


class Runs:
    """The analyses of the page's visitors.

    Args:
        models: The models kept loaded.
        kept: Where scenes and answers are kept.
        jobs: Whose answers are still wanted.
        running: Bounds how many analyses compute at once.
    """

    def __init__(
        self, models: LoadedModels, kept: Kept, jobs: Jobs, running: threading.Semaphore
    ) -> None:
        self._models, self._kept, self._jobs, self._running = models, kept, jobs, running

    def stream(
        self, session: str, turn: int, read: Read, references: tuple[str, str]
    ) -> Iterator[list[Any]]:
        """Analyse a scene.

        The work is done in a thread of its own. It stops at the next window once a later choice
        was made, Cancel was pressed, or the visitor left (which closes this generator).

        Args:
            session: The visitor's.
            turn: Number of the choice.
            read: Reads the scene.
            references: Segmentation model and classifier.

        Yields:
            Values for `OUTPUTS`; those of a choice that was overtaken change nothing.
        """
        job = self._jobs.begin(session, turn)
        news: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        work = threading.Thread(
            target=self._work, args=(job, turn, read, references, news.put), daemon=True
        )
        try:
            work.start()
            while (changed := _gather(news)) is not None:
                if job.stopped:
                    break
                if changed:
                    yield as_list(changed)
            if (number := job.cancelled) is not None:
                # What was sent before may reach the browser after Cancel's own answer, which goes
                # another way: only the stream's last word stays.
                yield as_list(parts.blank(parts.CANCELLED, "", number))
        finally:
            job.stop()
            self._jobs.end(session, job)

    def _work(
        self,
        job: Job,
        turn: int,
        read: Read,
        references: tuple[str, str],
        tell: Callable[[dict[str, Any] | None], None],
    ) -> None:
        clock = _Clock()
        scene_token = coarse = ""

        def progress(share: float, what: str) -> None:
            job.check()
            tell({"notice": parts.working(what, turn, share, clock.left(what, share))})

        def first_look(answer: Answer) -> None:
            nonlocal coarse
            coarse = self._kept.put(answer)
            tell(parts.preliminary(answer, coarse))

        try:
            progress(0.0, "Reading")
            scene, known = read()
            scene_token = self._kept.scenes.put(
                KeptScene(scene, known), sum(r.nbytes for r in scene_rasters(scene))
            )
            job.check()
            tell({"scene_token": scene_token, **parts.preview(scene, scene_token)})
            follow = Follow(progress, lambda: job.stopped, first_look)
            answer = analyse(scene, self._models, references, None, follow, self._running, known)
            token = self._kept.put(answer)
            job.check()
            tell(parts.drawn(answer, token, turn))
        except Stopped:
            pass
        except HephaestusError as error:
            tell({"scene_token": scene_token, **parts.blank(str(error), "error", turn)})
        except Exception:  # A defect: its traceback is for the operator, not for the visitor.
            _LOG.exception("an analysis failed")
            tell({"scene_token": scene_token, **parts.blank(UNEXPECTED, "error", turn)})
        finally:
            self._kept.answers.drop(coarse)
            tell(None)


def as_list(changed: dict[str, Any]) -> list[Any]:
    """Changed parts by name as what Gradio takes: all of `OUTPUTS` in order."""
    if unknown := set(changed) - set(OUTPUTS):
        raise KeyError(f"no such parts of the page: {unknown}")
    return [changed.get(name, gr.skip()) for name in OUTPUTS]


def _gather(news: queue.SimpleQueue) -> dict[str, Any] | None:
    """All that has changed within a beat, the last value of each part; None at the end."""
    changed: dict[str, Any] = {}
    until = time.monotonic() + BEAT
    while (left := until - time.monotonic()) > 0:
        try:
            item = news.get(timeout=left)
        except queue.Empty:
            break
        if item is None:
            if not changed:
                return None
            news.put(None)
            break
        changed |= item
    return changed


class _Clock:
    """How long the windows still take, from those that are done."""

    def __init__(self) -> None:
        self._start: tuple[str, float, float] | None = None

    def left(self, what: str, share: float) -> float | None:
        """Seconds left, or None while that cannot be told.

        Args:
            what: What is being done; its words before a colon tell one stage from another.
            share: The share of all work that is done, 0..1.
        """
        stage, now = what.partition(":")[0], time.monotonic()
        if self._start is None or self._start[0] != stage:
            self._start = (stage, now, share)
            return None
        _, began, at = self._start
        if share - at < 0.01 or now - began < 1:
            return None
        return (now - began) / (share - at) * (1 - share)
