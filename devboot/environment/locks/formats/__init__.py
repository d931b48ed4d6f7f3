"""Reads lock files of other tools into pins: one module for each format, and helpers for poetry."""
