"""``python -m justfit`` does what ``justfit`` does."""

from __future__ import annotations

from justfit.cli import main

if __name__ == "__main__":
    main()
