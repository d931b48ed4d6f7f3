"""Reads lock formats of other tools into pins: one module for each, and helpers for poetry."""
