"""Composes the other rooms from the settings."""
