"""Measuring: fair timing, result files, and the main job."""
