"""One script for each participant of the memory benchmark, run where only that one is installed."""
