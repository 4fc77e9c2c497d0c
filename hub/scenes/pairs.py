"""From files to interferograms: which is a phase, and which companions belong to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from hub.scenes.checks import SceneError
from hub.scenes.companions import best_of, elevation_of, matching, near_of
from hub.scenes.products import any_raster
from hub.scenes.products.product import Claim, Layer, Pair, Product, ReadOptions
from hub.scenes.products.table import claim_of
from hub.scenes.rasters.files import StoredFile
from hub.scenes.rasters.names import ALONG_TRACK, before_dates, dates_in, dates_of, frame_of


@dataclass
class Found:
    """What files hold.

    Attributes:
        pairs: Interferograms, in the files' order.
        refused: Files that were named and cannot be used, with the reason.
        passed: What the files are that were found and are no phase, for messages.
    """

    pairs: list[Pair] = field(default_factory=list)
    refused: list[tuple[str, SceneError]] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)


def find_pairs(
    named: Sequence[StoredFile], walked: Sequence[StoredFile], options: ReadOptions
) -> Found:
    """Put files together to interferograms.

    Args:
        named: Files that the user named: each is used, refused by name, or holds in another form
            the phase of a pair that is used.
        walked: Files that lie in a folder or an archive: what is no phase is passed over.
        options: What the user insists on.
    """
    found = Found()
    claims = [*_claims(named, True, options, found), *_claims(walked, False, options, found)]
    by_key: dict[tuple[str, Path, str], list[tuple[Claim, bool]]] = defaultdict(list)
    for claim, is_named in claims:
        if claim.role == "phase":
            # What says nothing of its pair is a pair of its own.
            alone = str(claim.file) if claim.product.pairs or claim.kind == "unknown" else claim.key
            by_key[claim.product.name, claim.file.folder, alone].append((claim, is_named))
    companions = [claim for claim, is_named in claims if is_named and claim.role != "phase"]
    used: set[StoredFile] = set()
    chosen: list[Claim] = []
    beside: dict[StoredFile, list[Claim]] = {}
    for candidates in by_key.values():
        candidates.sort(key=lambda item: (not item[1], item[0].rank))
        best = candidates[0][0]
        equals = [c for c, _ in candidates[1:] if c.rank == best.rank and not _twins(c, best)]
        chosen.append(best)
        if best.product.stacks:  # of each pair of dates it holds one
            beside[best.file] = equals
        else:
            chosen += equals
    for claim in chosen:
        try:
            if claim.product.pairs is not None:
                pairs = claim.product.pairs(claim.file, options)
            else:
                pair = _pair(claim, companions, len(chosen) == 1, options, used)
                notes = (
                    f"not read, of the same pair: {c.file}" for c in beside.get(claim.file, ())
                )
                pairs = [replace(pair, notes=(*pair.notes, *notes))]
        except SceneError as error:
            found.refused.append((str(claim.file), error))
            continue
        found.pairs += [_with_options(pair, options) for pair in pairs]
    if options.coherence:
        _give_coherence(found, options)
    _refuse_unused(companions, chosen, used, found)
    return found


def _twins(one: Claim, other: Claim) -> bool:
    """Whether one file is the other packed, or the virtual raster that was written beside it."""
    name, like = (claim.file.name.removesuffix(".vrt") for claim in (one, other))
    return name == like


def place_of(file: StoredFile, product: Product) -> str:
    """The folder that a series' pairs share: a pair's own folder is called by its dates."""
    folder = file.path.absolute().parent
    while product.stacks and dates_in(folder.name) and folder.parent != folder:
        folder = folder.parent
    return str(folder)


def _claims(
    files: Iterable[StoredFile], named: bool, options: ReadOptions, found: Found
) -> list[tuple[Claim, bool]]:
    claims: dict[StoredFile, Claim] = {}
    unknown = []
    for file in files:
        try:
            claim = claim_of(file)
            if named and options.role == "phase" and (claim is None or claim.role != "phase"):
                claim = Claim(file, any_raster.PRODUCT, "phase", "phase", file.name, "wrapped")
        except SceneError as error:
            found.refused.append((str(file), error))
            continue
        if claim is None:
            if named:
                unknown.append(file)
        elif named or (claim.role == "phase" and claim.kind != "unknown"):
            claims.setdefault(claim.file, claim)
        else:
            found.passed.append(f"{file.name} is {article(claim.what)}")
    # What lies beside a phase that was named, as a text does, came with a pattern of the shell.
    folders = {claim.file.folder for claim in claims.values() if claim.role == "phase"}
    found.refused += [
        (str(file), _no_raster(file)) for file in unknown if file.folder not in folders
    ]
    return [(claim, named) for claim in claims.values()]


def article(what: str) -> str:
    """A noun with its article."""
    if what in ("coherence", "elevation", "displacement", "amplitude", "geometry"):
        return what
    return f"{'an' if what[0] in 'aeiou' else 'a'} {what}"


def _no_raster(file: StoredFile) -> SceneError:
    return SceneError(
        f"{file} is no kind of file that is read: give the phase of one of the products, an .npz, "
        "CUBE.zarr@PRIMARY_SECONDARY or DATASET::CONFIG/SPLIT/INDEX (`predict --help` lists them)"
    )


def _pair(
    claim: Claim,
    companions: Sequence[Claim],
    alone: bool,
    options: ReadOptions,
    used: set[StoredFile],
) -> Pair:
    product, file = claim.product, claim.file
    dates = dates_of(file.path)
    near = near_of(claim)
    coherence = matching(claim, companions, "coherence", alone) or best_of(
        other for other in near if other.role == "coherence" and other.key == claim.key
    )
    elevation = matching(claim, companions, "elevation", alone) or elevation_of(claim, near)
    layers: dict[str, Layer | None] = {}
    for role, other in (("coherence", coherence), ("elevation", elevation)):
        if other is None:
            layers[role] = None
            continue
        used.add(other.file)
        layers[role] = Layer(str(other.file), partial(_read, other, options))
    return Pair(
        product=product,
        label=str(file),
        phase=Layer(str(file), partial(_read, claim, options), claim.kind),
        coherence=layers["coherence"],
        elevation=layers["elevation"],
        dates=dates,
        place=f"{place_of(file, product)} {before_dates(file.name)}",
        frame=frame_of(file.path),
        name=_stem(file, claim),
        notes=tuple(
            f"not read, for it is an {ALONG_TRACK}: {other.file}"
            for other in near
            if other.what == ALONG_TRACK and other.key == claim.key
        ),
    )


def _read(claim: Claim, options: ReadOptions, max_pixels: int):  # type: ignore[no-untyped-def]  # noqa: ANN202
    if not claim.file.exists():
        raise SceneError(f"{claim.file} does not exist")
    assert claim.product.read is not None
    return claim.product.read(claim, max_pixels, options)


def _stem(file: StoredFile, claim: Claim) -> str:
    """A name for a scene without dates: the file's, without its ending."""
    name = file.name
    return name[: -len(Path(name).suffix)] if Path(name).suffix else name


def _with_options(pair: Pair, options: ReadOptions) -> Pair:
    if options.elevation is None:
        return pair
    layer = _insisted(options.elevation, "elevation", options)
    return replace(pair, elevation=layer)


def _insisted(file: StoredFile, role: str, options: ReadOptions) -> Layer:
    """A companion named by an option: its role is what the option says."""
    claim = claim_of(file)
    if claim is None or claim.product.read is None:
        claim = Claim(file, any_raster.PRODUCT, "other", role)
    claim = replace(claim, role=role)  # type: ignore[arg-type]
    return Layer(str(file), partial(_read, claim, options), insisted=True)


def _give_coherence(found: Found, options: ReadOptions) -> None:
    given = list(options.coherence)
    for at, pair in enumerate(found.pairs):
        match = [f for f in given if pair.dates and dates_in(f.name) == pair.dates]
        if not match and len(given) == len(found.pairs) == 1:
            match = [f for f in given if not (pair.dates and dates_in(f.name))]
        if match:
            layer = _insisted(match[0], "coherence", options)
            found.pairs[at] = replace(pair, coherence=layer)
    unused = [
        file
        for file in given
        if not any(pair.coherence and pair.coherence.shown == str(file) for pair in found.pairs)
    ]
    for file in unused:
        reason = "its name has the dates of none of the phases"
        if len(found.pairs) == 1 and len(given) > 1:
            reason = f"{len(given)} coherences were given for one phase"
        found.refused.append((str(file), SceneError(f"--coherence {file} is not used: {reason}")))


def _refuse_unused(
    companions: Sequence[Claim], chosen: Sequence[Claim], used: set[StoredFile], found: Found
) -> None:
    """Say of each named file that is no phase why it has no use, unless its pair is judged."""
    judged = {claim.file.folder for claim in chosen}
    for claim in companions:
        if claim.file in used or claim.file.folder in judged:
            continue
        if claim.role == "other" and any(c.product is claim.product for c in chosen):
            continue
        if claim.role != "other" and chosen:
            text = f"{claim.what} without phase of the same dates: {claim.file}"
            if claim.role == "elevation":
                text = f"{claim.file}: there are several elevation files; one is expected"
        else:
            title = "" if claim.product is any_raster.PRODUCT else f" ({claim.product.title})"
            text = (
                f"{claim.file} is {article(claim.what)}{title} by its name, not a phase: give the "
                "phase of the pair, or say --as phase if it is one after all"
            )
        found.refused.append((str(claim.file), SceneError(text)))
