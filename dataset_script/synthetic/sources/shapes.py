"""Draws the geometry of sources: where under a volcano, how deep, how large, how steep."""

from __future__ import annotations

import numpy as np

from dataset_script.synthetic.ground.grid import FrameGrid
from dataset_script.synthetic.ground.volcanoes import Volcano, length_scale
from dataset_script.synthetic.sources.compound import Caldera, Spheroid
from dataset_script.synthetic.sources.elastic import Dislocation, Mogi, Source

CALDERA_ODDS, SMALLEST_CALDERA_PIXELS = 0.35, 8
AFAR_ODDS = 0.4
"""Share of the earthquakes whose fault lies at the frame's edge or outside."""


class SourceShapes:
    """Draws sources that fit a frame."""

    def __init__(self, rng: np.random.Generator, grid: FrameGrid) -> None:
        """Keep the source of randomness and the frame's pixels."""
        self.rng = rng
        self.grid = grid
        self.scale = max(length_scale(grid), 0.3)

    def draw(self, kind: str, volcano: Volcano) -> Source:
        """Draw a source of a kind under a volcano.

        Args:
            kind: "Mogi", "Sill", "Dyke" or "Spheroid".
            volcano: The volcano.
        """
        if kind == "Mogi":
            return self.mogi(volcano)
        if kind == "Sill":
            wide = volcano.caldera >= SMALLEST_CALDERA_PIXELS * self.grid.pixel_m[0]
            if wide and self.rng.random() < CALDERA_ODDS:
                return self._caldera(volcano)
            return self._sill(volcano)
        return self._dyke(volcano) if kind == "Dyke" else self._spheroid(volcano)

    def _place(self, volcano: Volcano, spread: float) -> tuple[float, float]:
        jitter = self.rng.normal(0, spread * volcano.radius, 2)
        return float(volcano.east + jitter[0]), float(volcano.north + jitter[1])

    def _metres(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high) * self.scale)

    def mogi(self, volcano: Volcano, deflating: bool = False) -> Mogi:
        """Draw a point source; a deflating one shrinks at unit strength."""
        east, north = self._place(volcano, 0.4)
        return Mogi(east, north, self._metres(1200, 4500), -1e6 if deflating else 1e6)

    def _sill(self, volcano: Volcano) -> Dislocation:
        east, north = self._place(volcano, 0.4)
        depth = self._metres(1000, 3000)
        length, width = self._metres(1800, 5000), self._metres(1500, 3500)
        strike = volcano.rift + self.rng.normal(0, 30)
        return Dislocation(east, north, depth, length, width, strike, 0.0, (0, 0, 1))

    def _caldera(self, volcano: Volcano) -> Caldera:
        radius = volcano.caldera
        depth = radius * self.rng.uniform(0.5, 1.2) + 200
        side = 1.6 * radius
        sill = Dislocation(
            volcano.east, volcano.north, depth, side, side, volcano.rift, 0.0, (0, 0, 1)
        )
        hinge = float(self.rng.uniform(0, 360)) if self.rng.random() < 0.6 else None
        slip = float(self.rng.uniform(0.1, 0.6))
        return Caldera(sill, radius, 0.1 * depth, 0.9 * depth, slip, hinge)

    def _dyke(self, volcano: Volcano) -> Dislocation:
        east, north = self._place(volcano, 0.6)
        height = self._metres(1500, 3500)
        depth = height / 2 + self._metres(200, 1200)
        strike = volcano.rift + self.rng.normal(0, 20)
        length = self._metres(2000, 8000)
        return Dislocation(east, north, depth, length, height, strike, 90.0, (0, 0, 1))

    def _spheroid(self, volcano: Volcano) -> Spheroid:
        east, north = self._place(volcano, 0.4)
        axes = (self._metres(500, 1100), self._metres(500, 1100), self._metres(1000, 2200))
        depth = axes[2] + self._metres(800, 2000)
        plunge, trend = self.rng.uniform(0, 35), self.rng.uniform(0, 360)
        return Spheroid(east, north, depth, axes, float(plunge), float(trend))

    def fault(self) -> Dislocation:
        """Draw a fault that slips in an earthquake, in the frame or near it."""
        reach = 0.3 if self.rng.random() > AFAR_ODDS else 0.6
        east, north = self.rng.uniform(-reach, reach, 2) * self.grid.extent_m
        width, dip = self._metres(3000, 5000), self.rng.uniform(35, 80)
        depth = width / 2 * np.sin(np.radians(dip)) + self._metres(700, 2500)
        rake = np.radians(self.rng.choice([-90, 0, 180, 90]) + self.rng.normal(0, 15))
        slip = (float(np.cos(rake)), float(np.sin(rake)), 0.0)
        length, strike = self._metres(4000, 8000), self.rng.uniform(0, 360)
        return Dislocation(
            float(east), float(north), float(depth), length, width, float(strike), float(dip), slip
        )
