"""A frame with everything in it, and the interferogram of any two of its dates.

Every part of the phase is a difference of what each date contributes, so that before noise the
unwrapped phases of three dates close: p(1, 2) + p(2, 3) - p(1, 3) = 0.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from dataset_script.rows.stratification import stratified_delay
from dataset_script.seeding import generator
from dataset_script.synthetic.air.turbulence import draw_disturbances, draw_turbulence
from dataset_script.synthetic.air.weather import Nodes, draw_weather
from dataset_script.synthetic.frames import FramePlan
from dataset_script.synthetic.ground.terrain import draw_terrain
from dataset_script.synthetic.radar import coherence
from dataset_script.synthetic.radar.acquisitions import IndexPair
from dataset_script.synthetic.radar.geometry import draw_swath
from dataset_script.synthetic.radar.processor import draw_processor, process
from dataset_script.synthetic.sources.activity import draw_activity
from dataset_script.synthetic.sources.eruptions import FRESH_COHERENCE, draw_eruptions
from dataset_script.synthetic.sources.history import Episode, cumulative
from dataset_script.synthetic.sources.on_grid import displacement_on
from dataset_script.wrapping import wrap

BASELINE_SPREAD_M = 60.0
ORBIT_ERROR_ODDS = 0.006


@dataclass(frozen=True)
class DatePhase:
    """What an acquisition contributes to the phase, apart from the ground's motion.

    Attributes:
        fields: ERA5-like fields at the pixels, float32 (H, W) by name.
        stratified: Phase of the stratified air, radians (H, W).
        turbulent: Phase of the air that follows no weather model, radians (H, W).
        orbit: Phase ramp of an orbit error, radians (H, W).
    """

    fields: dict[str, np.ndarray]
    stratified: np.ndarray
    turbulent: np.ndarray
    orbit: np.ndarray


@dataclass(frozen=True)
class Interferogram:
    """An interferogram and all that it was made of; phases in radians, (H, W).

    Attributes:
        acting: Indices of the actors that changed between the dates, (A,).
        strengths: Their changes, in fringes at the peak, (A,).
        deformation: Unwrapped phase of each of them, (A, H, W).
        stratified: Unwrapped phase of the stratified air.
        turbulent: Unwrapped phase of the turbulent air.
        orbit: Unwrapped phase of orbit errors.
        glacier: Unwrapped phase of flowing ice.
        coherence: 0..255, whole numbers, 0 outside the swath, float32.
        noise: What the looks and the processor's filter left of noise, and what they took from the
            signal.
        phase: The wrapped sum, in (-pi, pi], exactly 0 outside the swath, float32.
    """

    acting: np.ndarray
    strengths: np.ndarray
    deformation: np.ndarray
    stratified: np.ndarray
    turbulent: np.ndarray
    orbit: np.ndarray
    glacier: np.ndarray
    coherence: np.ndarray
    noise: np.ndarray
    phase: np.ndarray

    @property
    def motion(self) -> np.ndarray:
        """Unwrapped phase of all actors together."""
        return self.deformation.sum(axis=0)

    @property
    def unwrapped(self) -> np.ndarray:
        """The phase before noise and wrapping."""
        return self.motion + self.stratified + self.turbulent + self.orbit + self.glacier


class Scene:
    """A frame: its ground, its viewing geometry, its sources and their history.

    Attributes:
        plan: What was settled beforehand.
        terrain: The ground.
        swath: The viewing geometry.
        nodes: The weather model's grid.
        actors: Sources with their episodes.
        units: Phase of each actor at a strength of one fringe, (N, H, W).
        visible: Land inside the swath, bool (H, W).
        strengths: Strength of each actor at each date, in fringes, (N, dates).
    """

    def __init__(self, plan: FramePlan) -> None:
        self.plan = plan
        grid = plan.grid
        self.days = np.array([(date - plan.dates[0]).days for date in plan.dates])
        self.terrain = draw_terrain(self._rng("terrain"), grid, plan.climate)
        self.swath = draw_swath(self._rng("swath"), grid, plan.direction)
        self.nodes = Nodes.under(grid, self.terrain.dem)
        self.orography = self.nodes.spread(self.nodes.orography)
        self.visible = self.swath.inside & ~self.terrain.water
        self.actors = draw_activity(
            self._rng("activity"), grid, self.terrain, plan.dates, plan.pairs
        )
        self.strengths = np.array([cumulative(a.episodes, self.days) for a in self.actors])
        self.units = np.stack(
            [self._unit(displacement_on(actor.source, grid)) for actor in self.actors]
        )
        self.eruptions = draw_eruptions(self._rng("eruptions"), grid, self.terrain, self.actors)
        self.processor = draw_processor(self._rng("processor"), grid, self.swath)
        self._draw_ice()
        self.roughness = coherence.roughness_coherence(self.terrain)
        self.critical_baseline = coherence.critical_baseline(self.swath, self.terrain)
        self.baselines = self._rng("baselines").normal(0, BASELINE_SPREAD_M, len(plan.dates))
        # Pairs come by primary, so that a date is needed no longer than its neighbours reach.
        reach = max(j - i for i, j in plan.pairs)
        self.date = lru_cache(reach + 2)(self._date)

    def _rng(self, *names: object) -> np.random.Generator:
        return generator(self.plan.seed, self.plan.frame_id, *names)

    def _unit(self, displacement: np.ndarray) -> np.ndarray:
        """Phase of a displacement, scaled to one fringe at its peak on visible ground."""
        phase = self.swath.displacement_phase(displacement)
        return phase * (2 * np.pi / np.abs(phase[self.visible]).max())

    def _draw_ice(self) -> None:
        """Let the glacier, where there is one, surge for a few weeks."""
        terrain, rng = self.terrain, self._rng("ice")
        self.ice_unit = np.zeros(terrain.ice.shape)
        self.ice_strength = np.zeros(len(self.days))
        if not terrain.ice.any():
            return
        east, north = terrain.downhill
        flow = np.stack([terrain.ice * part for part in (east, north, -0.3)], axis=-1)
        self.ice_unit = self._unit(flow)
        start = rng.choice(self.days[: -max(2, len(self.days) // 3)])
        surge = Episode(float(start), float(rng.uniform(24, 48)), float(rng.uniform(1.5, 2.5)))
        self.ice_strength = cumulative([surge], self.days)

    def _date(self, index: int) -> DatePhase:
        grid, date = self.plan.grid, self.plan.dates[index]
        weather = draw_weather(self._rng("weather", date), self.nodes, self.plan.climate, date)
        # The delay follows the fields as they are stored, in single precision.
        fields = {name: self.nodes.spread(v).astype(np.float32) for name, v in weather.items()}
        stratified = stratified_delay(fields, self.terrain.dem, self.orography)
        turbulent = draw_turbulence(self._rng("turbulence", date), grid)
        turbulent += draw_disturbances(self._rng("disturbances", date), grid, self.terrain.dem)
        return DatePhase(
            fields,
            self.swath.zenith_phase(stratified),
            self.swath.zenith_phase(turbulent),
            self._orbit(index),
        )

    def _orbit(self, index: int) -> np.ndarray:
        rng = self._rng("orbit", self.plan.dates[index])
        fringes = rng.uniform(1.2, 3) if rng.random() < ORBIT_ERROR_ODDS else rng.normal(0, 0.08)
        bearing = rng.uniform(0, 2 * np.pi)
        ramp = self.swath.across * np.cos(bearing) + self.swath.azimuth * np.sin(bearing)
        return 2 * np.pi * fringes * ramp / np.ptp(ramp)

    def true_coherence(self, pair: IndexPair, moving_phase: np.ndarray) -> np.ndarray:
        """Coherence before it is estimated.

        Args:
            pair: Indices of the dates.
            moving_phase: Unwrapped phase of moving ground and ice, (H, W).

        Returns:
            0..1, (H, W), 0 on water.
        """
        i, j = pair
        total = coherence.temporal_coherence(self.terrain.cover, float(self.days[j] - self.days[i]))
        baseline = float(self.baselines[j] - self.baselines[i])
        total *= self.roughness * np.clip(1 - abs(baseline) / self.critical_baseline, 0, 1)
        if moving_phase.any():
            total *= coherence.gradient_coherence(moving_phase)
        # Rain and soil moisture at either date, which rock does not mind.
        for index in pair:
            wet = self._rng("moisture", self.plan.dates[index]).uniform(0, 0.15)
            total *= 1 - wet * (1 - self.terrain.cover.lasting)
        for eruption in self.eruptions:
            if self.days[i] < eruption.day <= self.days[j]:
                total[eruption.ground] *= FRESH_COHERENCE
        return total * coherence.SYSTEM_COHERENCE * ~self.terrain.water

    def interferogram(self, pair: IndexPair) -> Interferogram:
        """Make the interferogram of two dates.

        Args:
            pair: Indices of the primary and the secondary date.
        """
        i, j = pair
        first, second = self.date(i), self.date(j)
        change = self.strengths[:, j] - self.strengths[:, i]
        acting = np.flatnonzero(change)
        deformation = change[acting, None, None] * self.units[acting]
        glacier = (self.ice_strength[j] - self.ice_strength[i]) * self.ice_unit
        moving = deformation.sum(axis=0) + glacier
        stratified = second.stratified - first.stratified
        turbulent = second.turbulent - first.turbulent
        orbit = second.orbit - first.orbit
        clean = moving + stratified + turbulent + orbit
        inside = self.swath.inside
        rng = self._rng("pair", self.plan.dates[i], self.plan.dates[j])
        signal, stored = process(
            rng, self.processor, clean, self.true_coherence(pair, moving), inside
        )
        noise = np.angle(signal * np.exp(-1j * clean)) * inside
        return Interferogram(
            acting=acting,
            strengths=change[acting],
            deformation=deformation,
            stratified=stratified,
            turbulent=turbulent,
            orbit=orbit,
            glacier=glacier,
            coherence=stored,
            noise=noise,
            phase=wrap(clean + noise) * inside,
        )

    def quiet_pairs(self) -> list[IndexPair]:
        """Pairs between whose dates no source changed, in order."""
        return [
            (i, j)
            for i, j in self.plan.pairs
            if all(
                np.ptp(strength[i : j + 1]) == 0
                for strength in itertools.chain(self.strengths, [self.ice_strength])
            )
        ]
