"""The pages that only the live lab serves: the playground, the claims before they are measured, the closed door."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from justfit.report._html import page_environment
from justfit.report._script import page_script

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'"
_TITLES = {
    "idle": "Seventeen claims, not measured yet",
    "running": "The claims are being measured",
    "failed": "The claims could not be measured",
    "done": "Measure the claims again",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimShown:
    """A claim before it is measured: its number, what it is about, what the lecture says."""

    id: str
    topic: str
    says: str


def render_playground_html() -> str:
    """Render the page of the playground, which its script fills; it may ask only the server it came from."""
    from markupsafe import Markup

    script = page_script({"kind": "playground"})
    return (
        page_environment()
        .get_template("playground.html.j2")
        .render(
            # Safe: the module is ours, and the data block escapes itself.
            script=Markup(script.markup),  # noqa: S704
            policy=f"{script.policy}; connect-src 'self'",
        )
    )


def render_claims_html(claims: Sequence[ClaimShown], *, state: str, done: int, total: int, sentence: str) -> str:
    """Render the page on which the claims are started and awaited.

    Args:
        claims: All of them.
        state: "idle", "running", "failed", or "done" to offer another run.
        done: Claims measured.
        total: Claims there are.
        sentence: What is under way, or why it failed.

    Returns:
        The page; it can be used with JavaScript off.
    """
    from markupsafe import Markup

    environment = page_environment()
    looks_again = environment.get_template("claims.js").render()
    module = page_script({"kind": "claims"})
    policy = module.policy.replace("form-action 'none'", "form-action 'self'")
    lead = sentence if state == "failed" else "Each claim of the lecture is an experiment that runs on this machine."
    return environment.get_template("claims.html.j2").render(
        claims=claims,
        state=state,
        done=done,
        total=total,
        sentence=sentence,
        title=_TITLES[state],
        lead=lead,
        # Safe: both are ours, without data.
        looks_again=Markup(looks_again),  # noqa: S704
        script=Markup(module.markup),  # noqa: S704
        policy=f"{policy} {_digest(looks_again)}; connect-src 'self'",
    )


def render_door_html(contract: str, found: str, way_out: str, *, again: str = "", asks: bool = False) -> str:
    """Render what whoever may not enter the lab sees.

    Args:
        contract: What must hold.
        found: What was found instead.
        way_out: What to do.
        again: Where the page leads at once, if it asks; empty for nowhere.
        asks: Whether the token can be typed in. Never where the page has another's name: it would be sent there.

    Returns:
        The page; with JavaScript it keeps what stands behind the # of the address.
    """
    from markupsafe import Markup

    environment = page_environment()
    script = environment.get_template("door.js").render()
    allowed = f"form-action 'self'; script-src {_digest(script)}" if asks else "form-action 'none'"
    return environment.get_template("door.html.j2").render(
        contract=contract,
        found=found,
        way_out=way_out,
        again=again if asks else "",
        asks=asks,
        script=Markup(script),  # noqa: S704  # safe: it is ours, without data
        policy=f"{_POLICY}; {allowed}",
    )


def _digest(script: str) -> str:
    """Name a script as a policy does that lets only this one run."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
