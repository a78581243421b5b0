"""Training loops side by side on the same rows: ours, ours without Lightning, and those of others."""
