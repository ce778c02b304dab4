"""Volcengine's side: signed requests, what its answers mean, and RTC's record tasks."""
