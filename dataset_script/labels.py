"""The annotators' vocabularies, in the order of their class codes."""

from __future__ import annotations

LABELS = ("Non_Deformation", "Deformation", "Earthquake")
BINARY_LABELS = ("Non_Deformation", "Deformation")
ACTIVITY_TYPES = ("Sill", "Dyke", "Mogi", "Spheroid", "Earthquake", "Unidentified")
INTENSITY_LEVELS = ("None", "Low", "Medium", "High")
PHASES = ("Rest", "Unrest", "Rebound", "None")
FLAGS = (
    "corrupted",
    "processing_error",
    "glacier_fringes",
    "orbital_fringes",
    "atmospheric_fringes",
    "low_coherence",
    "no_info",
    "image_artifacts",
    "is_crowd",
)
"""Whole-numbered annotation fields; 0 is absent, larger is more."""
CONFOUNDERS = ("atmospheric_fringes", "glacier_fringes", "orbital_fringes", "low_coherence")
"""Flags of what can pass for deformation, or hide it."""
