"""When a run ends before its last step: on Ctrl-C, or when its time is up."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from lightning.pytorch import LightningModule, Trainer

from alen.errors import Cancelled
from alen.training.after_step import AfterStep
from alen.training.checkpoints import Checkpoints
from alen.training.module import LanguageModelModule


class Stopping(AfterStep):
    """All processes stop after the same step: they ask each other every ``every`` steps, one alone after each. What
    was reached is written to a checkpoint. A request raises Cancelled; at the end of its time a run ends as others."""

    def __init__(self, cancel: threading.Event, checkpoints: Checkpoints, every: int) -> None:
        self.cancel, self.checkpoints, self.every = cancel, checkpoints, every

    def after_step(self, trainer: Trainer, module: LightningModule) -> None:
        assert isinstance(module, LanguageModelModule)
        seconds = module.length.seconds
        cancelled, over = self.cancel.is_set(), seconds is not None and module.seconds() >= seconds
        if trainer.world_size > 1:
            if trainer.global_step % self.every:
                return
            cancelled = trainer.strategy.reduce_boolean_decision(cancelled, all=False)
            over = trainer.strategy.reduce_boolean_decision(over, all=False)
        if (cancelled or over) and self.checkpoints.last != trainer.global_step:
            self.checkpoints.save(trainer)
        if cancelled:
            raise Cancelled(
                f"Training was stopped after step {trainer.global_step:,}; {self.checkpoints.folder} has a checkpoint.",
                "Go on with the same command.",
            )
        trainer.should_stop = trainer.should_stop or over


@contextmanager
def on_interrupt() -> Iterator[threading.Event]:
    """Yield what the first Ctrl-C sets; the second one ends the program. Outside of the main thread, where signals
    cannot be handled, nothing sets it."""
    cancel = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield cancel
        return

    def stop(number: int, frame: FrameType | None) -> None:
        if cancel.is_set():
            raise KeyboardInterrupt
        cancel.set()
        print("stopping after this step (Ctrl-C again ends at once)", file=sys.stderr, flush=True)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield cancel
    finally:
        signal.signal(signal.SIGINT, before)
