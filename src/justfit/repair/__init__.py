"""Repair by intervention: the cause is what helps when it is changed."""

from __future__ import annotations

__all__: list[str] = []
