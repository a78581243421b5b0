"""The questions of the comparison of confidences: data sets, prompts and graders, frozen."""

from alen.benchmark.tasks.graders import grade
from alen.benchmark.tasks.item import Item, Row
from alen.benchmark.tasks.registry import DECLARED, TASKS
from alen.benchmark.tasks.task import Task

__all__ = ["DECLARED", "TASKS", "Item", "Row", "Task", "grade"]
