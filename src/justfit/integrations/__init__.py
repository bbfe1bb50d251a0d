"""Placeholder, being written.

>>> 1
1
"""

from __future__ import annotations

__all__: list[str] = []
