"""A long job keeps nobody from the page; too many jobs are refused at once, in words."""

import dataclasses
import threading
import time
import urllib.request

import pytest
from gradio_client import Client
from gradio_client.utils import QueueError


class Slow:
    """The real classifier, behind a gate."""

    def __init__(self, detector, gate):
        self._detector, self._gate, self.facts = detector, gate, detector.facts

    def predict(self, scene, progress=None, **options):
        progress(0, 2)
        assert self._gate.wait(60)
        return self._detector.predict(scene, progress=progress, **options)


@pytest.fixture
def slow_page(settings, world):
    """One job at a time, two in the queue, and a gate that holds every job."""
    from page.answers.loaded_models import LoadedModels
    from page.blocks import build
    from page.handlers import Handlers

    from hub.inference.detector import Detector

    gate = threading.Event()
    chosen = dataclasses.replace(settings, segmenter="", jobs=1, queue=2)
    detector = Detector.from_pretrained(world["classification"])
    models = LoadedModels(chosen, lambda name, revision: Slow(detector, gate))
    page = build(Handlers(chosen, models))
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, ssr_mode=False)
    yield url, gate
    gate.set()
    page.close()


def submit(url):
    return Client(url, verbose=False).submit(
        files=[],
        sample="frame1/20200202/00001",
        segmenter="none",
        classifier="",
        threshold=-1,
        api_name="/predict",
    )


def test_a_long_job_keeps_nobody_waiting_and_a_full_queue_says_so(slow_page):
    url, gate = slow_page
    first = submit(url)
    end = time.monotonic() + 20
    while not (update := first.status()).progress_data and time.monotonic() < end:
        time.sleep(0.1)
    assert update.progress_data[0].desc.startswith("Running the classification model")
    started = time.monotonic()
    with urllib.request.urlopen(url, timeout=5) as answer:
        assert b"Is the volcano moving?" in answer.read()
    assert time.monotonic() - started < 2
    waiting = [submit(url) for _ in range(2)]
    for job in waiting:
        while job.status().rank is None and time.monotonic() < end:
            time.sleep(0.05)
    with pytest.raises(QueueError, match="full"):
        submit(url).result(timeout=20)
    gate.set()
    answers = [job.result(timeout=30) for job in [first, *waiting]]
    assert len({answer["classification"]["probability"] for answer in answers}) == 1
