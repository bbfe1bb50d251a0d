"""Tables of `repair.py`, from the outcomes of its runs."""

import collections
import math
import statistics


def wilson(count, total):
    """Share with its 95 % interval."""
    if not total:
        return "–"
    z, share = 1.96, count / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    low, high = max(middle - half, 0), min(middle + half, 1)
    return f"{count}/{total} = {share:.1%} ({low:.1%}–{high:.1%})"


def cases_repaired(outcomes):
    by_case = collections.defaultdict(list)
    for outcome in outcomes:
        by_case[outcome.labelled.fault.name].append(outcome.is_repaired)
    return sum(2 * sum(seeds) > len(seeds) for seeds in by_case.values()), len(by_case)


def method_lines(found):
    lines = [
        "| method | runs repaired | cases repaired | points short, median of the rest | trainings, median (90 %) |",
        "|---|---|---|---|---|",
    ]
    for method, outcomes in found.items():
        short = [outcome.short for outcome in outcomes if not outcome.is_repaired]
        cost = sorted(outcome.trainings for outcome in outcomes)
        row = (
            method,
            wilson(sum(outcome.is_repaired for outcome in outcomes), len(outcomes)),
            wilson(*cases_repaired(outcomes)),
            f"{statistics.median(short):.1f}" if short else "–",
            f"{statistics.median(cost):.2f} ({cost[int(0.9 * (len(cost) - 1))]:.2f})",
        )
        lines.append("| " + " | ".join(row) + " |")
    return lines


def category_lines(found):
    categories = list(dict.fromkeys(o.labelled.fault.category for outcomes in found.values() for o in outcomes))
    lines = ["| category | runs | " + " | ".join(found) + " |", "|---" * (2 + len(found)) + "|"]
    for category in categories:
        mine = {m: [o for o in outcomes if o.labelled.fault.category == category] for m, outcomes in found.items()}
        shares = [f"{sum(o.is_repaired for o in each)}" for each in mine.values()]
        lines.append(f"| {category} | {max(map(len, mine.values()))} | " + " | ".join(shares) + " |")
    return lines


def cause_lines(outcomes):
    repaired = [o for o in outcomes if o.is_repaired]
    lines = ["| over | names what was planted | names it, or what it is also by its nature |", "|---|---|---|"]
    for words, group in (("all sick runs", outcomes), ("runs that were repaired", repaired)):
        strict = sum(o.cure["cause"] == o.labelled.fault.causes[0] for o in group)
        also = sum(o.cure["cause"] in o.labelled.fault.causes for o in group)
        lines.append(f"| {words} | {wilson(strict, len(group))} | {wilson(also, len(group))} |")
    named = collections.Counter((o.labelled.fault.category, o.cure["cause"] or "none") for o in outcomes)
    lines += ["", "What was named, by what was planted:", ""]
    for category in dict.fromkeys(o.labelled.fault.category for o in outcomes):
        words = [f"{cause} {n}" for (of, cause), n in named.most_common() if of == category]
        lines.append(f"- {category}: {', '.join(words)}")
    return lines


def cost_lines(outcomes):
    ran = [o for o in outcomes if o.cure["state"] != "error"]
    epochs = [o.cure["epochs"] / o.labelled.fault.sick.epochs for o in ran]
    against = [o.cure["cpu_seconds"] / o.seconds for o in ran]
    rows = {
        "trainings as `Cure.cost` counts them (steps)": [o.cure["trainings"] for o in ran],
        "network epochs over the user's": epochs,
        "CPU seconds over those of the plain training here": against,
        "seconds on the wall": [o.cure["seconds"] for o in ran],
    }
    lines = ["| cost of `justfit.cure` | median | 90 % | most |", "|---|---|---|---|"]
    for name, unsorted in rows.items():
        values = sorted(unsorted)
        if values:
            high = values[int(0.9 * (len(values) - 1))]
            lines.append(f"| {name} | {statistics.median(values):.2f} | {high:.2f} | {values[-1]:.2f} |")
    states = collections.Counter(o.cure["state"] for o in outcomes)
    cured = [o for o in outcomes if o.cure["state"] == "cured"]
    harmed = [o.name for o in cured if o.gained < -2]
    return [
        *lines,
        "",
        f"Of {len(cured)} runs that were called cured, {sum(o.is_repaired for o in cured)} are repaired; "
        f"{len(harmed)} ended more than 2 points below the sick network{': ' if harmed else ''}{', '.join(harmed)}.",
        "",
        "States: " + ", ".join(f"{state} {count}" for state, count in states.most_common()) + ".",
    ]


def miss_lines(outcomes):
    lines = []
    for o in outcomes:
        if not o.is_repaired:
            place = o.labelled.fault, o.cure
            what = f"{place[1]['state']}, {place[1]['cause'] or 'no cause'}, {place[1]['changes'] or 'no change'}"
            lines.append(f"- {o.name} ({place[0].category}): {o.short:.1f} points short; {what}")
    return lines or ["None."]


def healthy_lines(rows, within):
    """What `cure` proposes where nothing is wrong; rows are (name, row, points gained on the test rows)."""
    proposed = [one for one in rows if one[1]["state"] == "cured"]
    cost = sorted(row["trainings"] for _, row, _ in rows)
    states = collections.Counter(row["state"] for _, row, _ in rows)
    better = sum(gain > within for *_, gain in proposed)
    return [
        f"{len(rows)} runs. A change was proposed on {wilson(len(proposed), len(rows))}; on {better} of these the "
        f"network gained more than {within:g} points on the test rows by it. Trainings spent: median "
        f"{statistics.median(cost):.2f}, most {cost[-1]:.2f}. States: "
        + ", ".join(f"{state} {count}" for state, count in states.most_common())
        + ".",
        "",
        *(f"- {name}: {row['cause']}, {row['changes']}; {gain:+.1f} points on test" for name, row, gain in proposed),
        *(f"- {name}: {row['changes']}" for name, row, _ in rows if row["state"] == "error"),
    ]


def harmless_lines(labelled):
    names = [f"{one.fault.name} ({statistics.fmean(one.harm):+.1f})" for one in labelled if not one.is_harmful]
    return [
        "Planted and left out, since the harm is not measurable (points lost): " + (", ".join(names) or "none") + "."
    ]
