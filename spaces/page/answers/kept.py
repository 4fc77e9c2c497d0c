"""Visitors' scenes and answers, in memory for a while."""

from __future__ import annotations

from dataclasses import dataclass

from hub.scenes.scene import Scene
from page.answers.analysis import Answer
from page.answers.cache import ExpiringCache
from page.errors import PageError
from page.inputs.known import Known
from page.settings import Settings


@dataclass(frozen=True, eq=False)
class KeptScene:
    """A scene and what is known of it."""

    scene: Scene
    known: Known


class Kept:
    """What is kept of all visitors.

    Args:
        settings: How much, and for how long.
    """

    def __init__(self, settings: Settings) -> None:
        bounds = settings.cache_bytes // 2, settings.cache_seconds
        self.scenes: ExpiringCache[KeptScene] = ExpiringCache(*bounds)
        self.answers: ExpiringCache[Answer] = ExpiringCache(*bounds)

    def put(self, answer: Answer) -> str:
        """Keep an answer and give its token; its atmosphere, which nothing shows, is let go."""
        slim = answer.without_atmosphere()
        return self.answers.put(slim, slim.nbytes)

    def look(self, token: str) -> tuple[Scene, Answer | None]:
        """The scene behind a token, and the answer where the token is an answer's.

        Raises:
            PageError: If neither is kept.
        """
        try:
            answer = self.answers.get(token)
        except PageError:
            return self.scenes.get(token).scene, None
        return answer.scene, answer
