"""Metrics of answers, probabilities and abstention."""
