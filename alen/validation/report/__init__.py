"""A validation as one HTML file that needs no network and no script."""

from alen.validation.report.page import render

__all__ = ["render"]
