"""Simulated instruments and readers that speak over real lines, for tests and the demonstration."""
