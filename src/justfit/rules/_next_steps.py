"""What to do next, most useful first."""

from __future__ import annotations

from justfit.records import FitVerdict, SweepRecord

# A cell is called uncertain below this bootstrap probability of being as good as the best.
SURE = 0.9
# Folds × seeds of the most thorough plan.
FULL = 10


def next_steps(verdict: FitVerdict, sweep: SweepRecord) -> tuple[str, ...]:
    """Turn a verdict and a choice into what a person would try next.

    Args:
        verdict: On the network without regularization.
        sweep: The grid and the choice.

    Returns:
        Sentences, most useful first; never empty.
    """
    steps = [*_about_the_network(verdict, sweep), *_about_the_search(verdict, sweep)]
    return tuple(steps) or ("Nothing: the network fits without regularization.",)


def _about_the_network(verdict: FitVerdict, sweep: SweepRecord) -> list[str]:
    steps = []
    if any(finding.code == "JF104" for finding in verdict.findings):
        steps.append("Look at the table first: no network of the sweep is distinguishably better than a constant.")
    if sweep.helps:
        steps.append(f"Train with l2 = {sweep.chosen_l2:.3g} and dropout = {sweep.chosen_dropout:.2g}.")
    elif verdict.state == "overfitting":
        steps.append(
            "Get more data, or a smaller network: of the tried l2 and dropout none is distinguishably better than none "
            f"(best gain {sweep.improvement:.2g} ± {sweep.improvement_se:.2g})."
        )
    if verdict.state == "underfitting":
        steps.append(
            "Give the network more: wider or more layers (--hidden 256,256), or more training (leave out --quick, or "
            "raise --budget)."
        )
    return steps


def _about_the_search(verdict: FitVerdict, sweep: SweepRecord) -> list[str]:
    steps = []
    if sweep.chosen[0] == len(sweep.l2) - 1 > 0 and sweep.helps:
        steps.append("The chosen l2 is the largest tried; the data may hold little that this network can learn.")
    if sweep.chosen[1] == len(sweep.dropout) - 1 > 0 and sweep.helps:
        steps.append(f"The chosen dropout is the largest tried ({sweep.dropout[-1]:.2g}); a smaller network may do.")
    if verdict.state == "undecided":
        steps.append("Bring more rows, or let the run finish: the verdict is within its uncertainty.")
    if sweep.confidence < SURE:
        more = "a larger budget (more folds and seeds)" if sweep.num_folds * sweep.num_seeds < FULL else "more rows"
        steps.append(
            f"The choice is as good as the best with probability {sweep.confidence:.2f}; {more} would make it surer."
        )
    if sweep.num_diverged:
        steps.append(f"{sweep.num_diverged} of {sweep.num_variants} networks diverged: try a smaller learning rate.")
    return steps
