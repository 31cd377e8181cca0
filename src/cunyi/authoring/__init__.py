"""Loads, checks, builds, renders and evaluates the knowledge base; for clinicians and for CI."""
