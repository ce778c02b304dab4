"""Rectask: what became of a cloud recording in Volcengine RTC, asked from Slack or a terminal."""

__version__ = "0.1.0"
