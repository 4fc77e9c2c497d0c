"""The page's endpoint for programs."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from dataset_script.errors import HephaestusError
from hub.scenes.scene import Scene
from page.answers.analysis import Follow, analyse
from page.answers.downloads import available
from page.answers.jobs import Job, Jobs, Stopped
from page.answers.kept import Kept
from page.answers.loaded_models import LoadedModels
from page.errors import PageError
from page.inputs.known import NOTHING, Known
from page.inputs.uploads import discard, read_upload
from page.settings import Settings
from page.view.parts import UNEXPECTED, for_visitors

_LOG = logging.getLogger(__name__)


class Endpoint:
    """`/predict`.

    Args:
        settings: The operator's choices.
        models: The models kept loaded.
        kept: Where answers are kept.
        jobs: Whose answers are still wanted.
        running: Bounds how many analyses compute at once.
        read_sample: Reads a row of the dataset or an example by its id.
    """

    def __init__(
        self,
        settings: Settings,
        models: LoadedModels,
        kept: Kept,
        jobs: Jobs,
        running: threading.Semaphore,
        read_sample: Callable[[str], tuple[Scene, Known]],
    ) -> None:
        self._settings, self._models, self._kept = settings, models, kept
        self._jobs, self._running, self._read_sample = jobs, running, read_sample

    def predict(
        self,
        files: Sequence[str] | None,
        sample: str | None,
        segmenter: str | None,
        classifier: str | None,
        threshold: float | None,
        request: gr.Request | None = None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - Gradio finds it as a default
    ) -> dict[str, Any]:
        """Analyse files, or a row of the dataset.

        Args:
            files: One scene's files, as `python -m hub predict` takes them; or none.
            sample: The sample_id of a row of the dataset, where no files are sent.
            segmenter: Segmentation model; "" for the page's own, "none" for none.
            classifier: Classifier; "" for the page's own, "none" for none.
            threshold: For the mask, 0..1; negative or nothing for the model's own.
            request: Gradio's.
            progress: Gradio's.

        Returns:
            The numbers, and the paths of the result's files on this server.
        """
        session = getattr(request, "session_hash", None) or ""
        job = self._jobs.begin(session, None)
        try:
            return self._answer(files, sample, segmenter, classifier, threshold, job, progress)
        except Stopped:
            raise gr.Error("Its client has left.", print_exception=False) from None
        except HephaestusError as error:
            raise gr.Error(for_visitors(str(error)), print_exception=False) from None
        except Exception:
            _LOG.exception("a program's request failed")
            raise gr.Error(UNEXPECTED, print_exception=False) from None
        finally:
            discard(files or ())
            self._jobs.end(session, job)

    def _answer(
        self,
        files: Sequence[str] | None,
        sample: str | None,
        segmenter: str | None,
        classifier: str | None,
        threshold: float | None,
        job: Job,
        progress: gr.Progress,
    ) -> dict[str, Any]:
        def tell(share: float, what: str) -> None:
            job.check()
            progress(share, desc=what)

        level = _level(threshold)
        if files:
            scene, known = read_upload(files, self._settings), NOTHING
        elif sample:
            scene, known = self._read_sample(sample)
        else:
            raise PageError("Send files, or the sample_id of a row of the dataset as “sample”.")
        own = self._settings
        chosen = segmenter or own.segmenter, classifier or own.classifier
        follow = Follow(tell, lambda: job.stopped)
        answer = analyse(scene, self._models, chosen, level, follow, self._running, known)
        token = self._kept.put(answer)
        links = {name: f"/result/{token}/{name}" for name in available(answer)}
        return {**answer.summary(), "files": links}


def _level(threshold: float | None) -> float | None:
    """The threshold that was asked for; None for the model's own.

    Raises:
        PageError: If it is no probability.
    """
    if threshold is None or threshold < 0:
        return None
    if not math.isfinite(threshold) or threshold > 1:
        raise PageError(f"threshold is {threshold:g}; give 0 to 1, or -1 for the model’s own.")
    return float(threshold)
