"""What a report consists of, before it is drawn: text and HTML come from this, so their words never differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

FigureKey = Literal[
    "curves", "path", "map", "effect", "probabilities", "signal", "gradient", "history", "loss", "layer_gradients",
    "updates", "learning_rate", "last_steps", "before_after", "learned", "tried", "cell_curves", "cell_path",
    "cell_map", "networks", "thinned", "layers_off",
]  # fmt: skip
Tone = Literal["good", "bad", "open"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One key number: what it is, its value, and what to know beside it."""

    label: str
    value: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of written numbers; the first column names the row.

    Attributes:
        caption: What the table shows, a full sentence.
        columns: Headings, one per column.
        rows: Written cells; each row is as long as `columns`.
        numeric: True where the columns after the first hold numbers, which are then set flush right.
        folded: True for the many numbers behind a figure, which HTML shows on demand only.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: bool = True
    folded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure by name; its title says what was found, its caption how to read it."""

    key: FigureKey
    title: str
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingEntry:
    """A finding in words.

    Attributes:
        heading: Code, name and place.
        severity: `info`, `warning` or `error`.
        measured: The value beside its threshold, with the unit.
        details: (what, sentence) pairs: why it matters, when it is wrong, what helps.
        code: Of its rule, whose page stands in the report too; empty for none.
        pictures: Keys of the figures that may show it; the first of them on the page is linked.
    """

    heading: str
    severity: str
    measured: str
    details: tuple[tuple[str, str], ...]
    code: str = ""
    pictures: tuple[FigureKey, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """Code to paste, and in words what it does where."""

    words: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading with what stands under it, in this order; the key is its anchor."""

    key: str
    heading: str
    sentences: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    findings: tuple[FindingEntry, ...] = ()
    points: tuple[str, ...] = ()
    command: str = ""
    snippets: tuple[Snippet, ...] = ()


def filled(sections: Iterable[Section]) -> tuple[Section, ...]:
    """Keep the sections in which something stands."""
    return tuple(s for s in sections if s.findings or s.figures or s.tables or s.points or s.sentences)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A whole report.

    Attributes:
        subject: What was fitted, in one line.
        headline: The verdict and whether regularization helps, in one short sentence.
        notices: What must be known before anything else is read, such as an interruption.
        verdict: The verdict with its probability and numbers.
        tone: `good`, `bad` or `open`: how the verdict is coloured, never the only carrier of it.
        choice: What was chosen and what it is worth, in sentences.
        cards: The key numbers.
        test: The test part before and after.
        next_steps: What to do, most useful first.
        sections: Everything else, the test part among it, in reading order.
    """

    subject: str
    headline: str
    notices: tuple[str, ...]
    verdict: str
    tone: Tone
    choice: tuple[str, ...]
    cards: tuple[Card, ...]
    test: Section
    next_steps: tuple[str, ...]
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalDocument:
    """What one forward and one backward pass showed, of one network or of several schemes beside each other.

    Attributes:
        subject: What was looked at, in one line.
        headline: What was found, in one sentence.
        verdict: What else must be said at once, in sentences.
        tone: `good`, `bad` or `open`: how the headline is coloured, never the only carrier of it.
        cards: The key numbers.
        sections: Everything else, in reading order.
    """

    subject: str
    headline: str
    verdict: tuple[str, ...]
    tone: Tone
    cards: tuple[Card, ...]
    sections: tuple[Section, ...]
