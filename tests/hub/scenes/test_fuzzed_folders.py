"""Folders as bad as they come: one bad input stops nothing, and no answer lacks its warning."""

import gzip
import re
import shutil

import numpy as np
import pytest
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.inference import judging
from hub.inference.batch import predict_many
from tests.hub.licsar import DEGREES, make_phase, write_tif
from tests.hub.pointwise import pointwise

SIZE = (40, 48)
PHASE = make_phase(*SIZE, fringes=2)
COHERENCE = np.where(PHASE == 0, 0, 90 + np.arange(SIZE[1]) * 3).astype("uint8")
UNIT = (COHERENCE / 255).astype("float32")
ABSENT = PHASE == 0
DATA = ~ABSENT
FINE = None


def _cut(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


def _flip(path, seed):
    content = bytearray(path.read_bytes())
    for at in np.random.default_rng(seed).integers(8, len(content), 20):
        content[at] ^= 0xFF
    path.write_bytes(content)


# What is done to a phase, and what must be said of it: FINE, or words of a refusal or a warning.
PHASES = {
    "plain": (PHASE, FINE),
    "double": (PHASE.astype("float64"), FINE),
    "to 2 pi": (PHASE % np.float32(2 * np.pi), FINE),
    "nan": (np.where(ABSENT, np.nan, PHASE).astype("float32"), FINE),
    "-9999": (np.where(ABSENT, -9999, PHASE).astype("float32"), FINE),
    "1e20": (np.where(ABSENT, 1e20, PHASE).astype("float32"), FINE),
    "1e300": (np.where(ABSENT, 1e300, PHASE.astype("float64")), FINE),
    "-3.4e38": (np.where(ABSENT, -3.4028235e38, PHASE).astype("float32"), FINE),
    "infinite": (np.where(ABSENT, np.inf, PHASE).astype("float32"), FINE),
    "degrees": (np.degrees(PHASE), "degrees|radians"),
    "cycles": (PHASE / np.float32(2 * np.pi), "cycles|radians"),
    "metres": (PHASE * np.float32(0.0044), "metres|radians"),
    "cosine": (np.cos(PHASE) * DATA, "real part|radians"),
    "whole": ((PHASE * 1000).astype("int16"), "whole|scale"),
    "bytes": ((PHASE * 40 + 128).astype("uint8"), "whole|scale"),
    "complex": (np.where(ABSENT, 0, 9 * np.exp(1j * PHASE)).astype("complex64"), FINE),
    "two bands": (np.stack([PHASE, PHASE]), "bands"),
    "nothing": (np.zeros_like(PHASE), "no pixel"),
    "constant": (np.full_like(PHASE, 0.5), "single value"),
    "a row": (PHASE[20:21], FINE),
    "a column": (PHASE[:, 24:25], FINE),
    "a pixel": (PHASE[20:21, 24:25], FINE),
}
COHERENCES = {
    "bytes": (COHERENCE, FINE),
    "unit": (UNIT, FINE),
    "over 1": (np.where(UNIT.max() == UNIT, 1.0000002, UNIT).astype("float32"), FINE),
    "-9999": (np.where(ABSENT, -9999, UNIT).astype("float32"), FINE),
    "percent": (UNIT * 100, "0..100"),
    "per mille": ((UNIT * 1000).astype("int16"), "0..1000"),
    "zero": (COHERENCE * 0, "coherence"),
    "truncated to 0 and 1": (np.rint(UNIT).astype("uint8"), "coherence"),
    "negative": (UNIT - 5, "negative"),
    "elsewhere": (COHERENCE, "coherence"),
    "other shape": (COHERENCE[:20, :24], FINE),
    "absent": (None, "insar_coherence"),
}
HEIGHTS = {
    "plain": (np.full(SIZE, 500, "float32"), FINE),
    "elsewhere": (np.full(SIZE, 500, "float32"), "elevation"),
    "unknown": (np.full(SIZE, np.nan, "float32"), "elevation"),
    "sentinel": (np.full(SIZE, -32768, "int16"), "elevation"),
    "absent": (None, "dem"),
}
DAMAGES = (None, "empty", "cut", "flipped", "text", "gzip", "capitals", "link", "folder")
ELSEWHERE = Affine(DEGREES.a, 0, DEGREES.c + 40, 0, DEGREES.e, DEGREES.f - 20)


@pytest.fixture(scope="module")
def detector():
    """A model of one date. No files are written: that would take the time of all the rest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judging, "save_prediction", lambda *_, **__: {})
        yield pointwise(1, ("insar_difference", "insar_coherence", "dem"))


def damaged(path, damage, seed):
    """A file spoilt or stored otherwise; whether it is whole."""
    if damage == "empty":
        path.write_bytes(b"")
    elif damage == "cut":
        _cut(path, 0.5)
    elif damage == "flipped":
        _flip(path, seed)
    elif damage == "text":
        path.write_text("<html>404</html>")
    elif damage == "gzip":
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    elif damage == "capitals":
        path.rename(path.with_suffix(".TIF"))
    elif damage == "link":
        real = path.parent.parent.parent / "real" / path.name
        real.parent.mkdir(exist_ok=True)
        path.rename(real)
        path.symlink_to(real)
    elif damage == "folder":
        path.unlink()
        path.mkdir()
    return damage in (None, "gzip", "capitals", "link")


@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.sampled_from(sorted(PHASES)),
    st.sampled_from(sorted(COHERENCES)),
    st.sampled_from(sorted(HEIGHTS)),
    st.tuples(*[st.sampled_from(DAMAGES)] * 3),
    st.integers(0, 2**16),
)
def test_no_folder_stops_the_batch_or_is_answered_without_its_warning(
    tmp_path_factory, detector, phase, coherence, heights, damages, seed
):
    root = tmp_path_factory.mktemp("fuzzed")
    pair = "20170103_20170115"
    folder = root / "in" / pair
    said = []
    wholes = []
    for kind, table, chosen, name, damage in (
        ("phase", PHASES, phase, f"{pair}.geo.diff_pha.tif", damages[0]),
        ("coherence", COHERENCES, coherence, f"{pair}.geo.cc.tif", damages[1]),
        ("elevation", HEIGHTS, heights, "079D_07694_131313.geo.hgt.tif", damages[2]),
    ):
        values, words = table[chosen]
        if values is None:
            said.append(words)
            continue
        grid = ELSEWHERE if chosen == "elsewhere" else DEGREES
        path = write_tif(folder / name, values, grid)
        whole = damaged(path, damage, seed)
        wholes.append(whole)
        if damage == "flipped":
            continue  # the file may be readable and say anything
        if whole and words:
            said.append(words)
        elif not whole:
            said.append({"coherence": "coherence", "elevation": "elevation|dem"}.get(kind, "."))
    np.savez(root / "in" / "good.npz", insar_difference=PHASE)
    batch = predict_many(detector, [root / "in"], root / "out", progress=False)
    text = batch.to_text()
    assert "unexpected" not in text, text
    assert [s for s in batch.summaries if s["scene"] == "good"]
    answers = [s for s in batch.summaries if s["scene"] != "good"]
    if answers:
        notes = " ".join(answers[0]["warnings"])
        missing = [words for words in said if not re.search(words, notes)]
        assert not missing, (missing, notes)
    elif all(wholes) and not said:
        raise AssertionError(f"nothing is wrong with it, and it has no answer: {text}")
    if not answers and damages[0] != "folder":
        assert batch.failed, text
    shutil.rmtree(root)
