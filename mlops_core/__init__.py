"""Driftdeck: watch models in production and act on what is seen."""
