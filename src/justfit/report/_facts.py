"""What was read, what was trained, how to do it again, and what this report does not say."""

from __future__ import annotations

import shlex

from justfit.records import DatasetFacts, FitResult, NetworkFacts
from justfit.report._document import Section, Table
from justfit.report._names import quoted, shown
from justfit.report._numbers import count, number, setting

_MOST_LISTED = 20  # of anything whose number is the user's: columns, notes, classes


def data_section(data: DatasetFacts) -> Section:
    """Show what was read and what was left out, with the reason."""
    rows = [
        ("Table", shown(data.name)),
        ("Size as read", f"{count(data.num_rows, 'row')}, {count(data.num_columns, 'column')}"),
        ("Target", shown(data.target)),
        ("Task", f"{shown(data.task, 20)}. {shown(data.task_reason, 200)}"),
        ("Features after encoding", f"{data.num_features:,}"),
        ("Rows for training", f"{data.num_train:,}, of which the sweep used {data.num_sweep:,}"),
        ("Rows held out for the test", f"{data.num_test:,}"),
    ]
    if data.classes:
        rows.append(("Classes", _listed([shown(name, 30) for name in data.classes])))
    if data.task == "regression":
        rows.append(("Standard deviation of the target", number(data.target_scale)))
    dropped = tuple((shown(name), shown(reason, 120)) for name, reason in data.dropped_columns[:_MOST_LISTED])
    return Section(
        key="data",
        heading="The data",
        tables=(
            Table(caption="What was read.", columns=("What", "Value"), rows=tuple(rows), numeric=False),
            *([_dropped_table(data, dropped)] if dropped else []),
        ),
        points=tuple(shown(note, 300) for note in data.notes[:_MOST_LISTED]),
    )


def network_section(network: NetworkFacts) -> Section:
    """Show the network and how it was trained; its capacity is part of every verdict."""
    sizes = " → ".join(str(size) for size in network.hidden_layer_sizes) or "none"
    return Section(
        key="network",
        heading="The network",
        sentences=(capacity_sentence(network),),
        tables=(
            Table(
                caption="The network and its training.",
                columns=("What", "Value"),
                rows=(
                    ("Units per hidden layer", sizes),
                    ("Activation", shown(network.activation)),
                    ("Initialization", shown(network.init)),
                    ("Parameters", f"{network.num_parameters:,}"),
                    ("Optimizer", shown(network.optimizer, 120)),
                    ("Learning rate", setting(network.learning_rate)),
                    ("Epochs", f"{network.epochs:,}"),
                    ("Batch size", f"{network.batch_size:,}"),
                ),
                numeric=False,
            ),
        ),
    )


def capacity_sentence(network: NetworkFacts) -> str:
    """Say how many parameters there are for each training example."""
    return (
        f"The network has {count(network.num_parameters, 'parameter')}, "
        f"{number(network.parameters_per_example)} per training example."
    )


def reproduce_section(result: FitResult) -> Section:
    """Say how to get the same numbers again."""
    network = result.network
    stages = _listed([f"{shown(stage, 30)} {number(seconds)} s" for stage, seconds in result.elapsed_seconds.items()])
    versions = _listed([f"{shown(name, 30)} {shown(version, 30)}" for name, version in result.versions.items()])
    return Section(
        key="reproduce",
        heading="How to get these numbers again",
        sentences=(
            *(["Run this:"] if result.command else []),
            f"The seed was {network.seed}. Versions: {versions}.",
            f"Time taken: {stages}.",
        ),
        command=" ".join(_argument(word) for word in result.command),
    )


def limits_section(result: FitResult) -> Section:
    """Say what the numbers do not cover."""
    data, record = result.dataset, result.sweep
    points = [
        "All of this holds for this network, trained this way, on rows like these. Rows that come from elsewhere or "
        "from later may behave otherwise.",
        "Standard errors and intervals cover the choice of examples. They do not cover another split into training and "
        "test rows.",
        f"λ was searched from {setting(record.l2[0])} to {setting(record.l2[-1])} and dropout from "
        f"{setting(record.dropout[0])} to {setting(record.dropout[-1])}; nothing is said about values beyond.",
    ]
    if result.test is not None:
        points.append("The test rows took no part in any choice. Choosing again after reading this report spends that.")
    if data.num_sweep < data.num_train:
        points.append(
            f"The sweep saw {data.num_sweep:,} of {data.num_train:,} training rows; with more rows less L2 may do."
        )
    if record.num_diverged:
        points.append(f"{count(record.num_diverged, 'network')} of {record.num_variants:,} diverged and took no part.")
    return Section(key="limits", heading="What this report does not say", points=tuple(points))


def _dropped_table(data: DatasetFacts, rows: tuple[tuple[str, str], ...]) -> Table:
    left = len(data.dropped_columns) - len(rows)
    more = f" The first {len(rows)}; {left:,} more are in the JSON." if left else ""
    caption = f"{count(len(data.dropped_columns), 'column')} not used.{more}"
    return Table(caption=caption, columns=("Column", "Reason"), rows=rows, numeric=False)


def _listed(words: list[str]) -> str:
    more = f" and {len(words) - _MOST_LISTED:,} more" if len(words) > _MOST_LISTED else ""
    return ", ".join(words[:_MOST_LISTED]) + more or "none"


def _argument(name: str) -> str:
    # A name that cannot be shown in full cannot be pasted either; what stands for it says so.
    return shlex.quote(name) if shown(name) == name else f"<{quoted(name, 30)}>"
