"""Targets, pictures and transforms."""
