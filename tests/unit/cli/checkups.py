"""Stand-ins for measuring and judging, so that the linter's command line is tested alone; the calls are kept."""

from justfit.records import (
    Checkup,
    Finding,
    LossSignal,
    SchemeCheckup,
    SchemeComparison,
    SignalEvidence,
    Trainability,
    Unjudged,
)


def finding(code, severity, where):
    return Finding(
        code=code, name="a disease", severity=severity, where=where, value=9.0, threshold=6.0, unit="e-foldings",
        why="It matters.", when_wrong="Seldom.", cure="Change it.", source="net.py:3",
    )  # fmt: skip


FINDINGS = (
    finding("JF206", "error", "encoder.0"),
    finding("JF302", "warning", "encoder.1"),
    finding("JF205", "info", "head"),
)


def checkup(findings=FINDINGS):
    return Checkup(
        evidence=SignalEvidence(
            module="Net", num_parameters=10, batch_size=4, unit_roundoff=1e-7, layers=(), trunk=(),
            loss=LossSignal(name="random projection"),
        ),
        trainability=Trainability(
            score=0.9, threshold=0.5, probability=0.9, rank_part=1.0, gradient_part=0.9, limited_by=""
        ),
        findings=findings,
        unjudged=(Unjudged(code="JF207", reason="there is no attention"),),
    )  # fmt: skip


def judge(findings=FINDINGS):
    """What takes the place of `justfit.rules.judge_signals`."""
    return lambda evidence, keeps: (tuple(f for f in findings if keeps(f.code, f.where)), checkup().unjudged)


class Measuring:
    """Takes the place of `justfit.checkup.check` and `compare`, and of `justfit.rules.judge_signals`."""

    def __init__(self):
        self.calls = []
        self.findings = FINDINGS
        self.error = None

    def judge(self, evidence, keeps):
        return judge(self.findings)(evidence, keeps)

    def check(self, module, *inputs, **arguments):
        print("a print inside the network")  # noqa: T201  # as a user's network might
        self.calls.append((module, inputs, arguments))
        if self.error is not None:
            raise self.error
        return checkup(self.findings)

    def compare(self, build, *inputs, schemes, seed, **arguments):
        self.calls.append((build, inputs, {"schemes": schemes, "seed": seed, **arguments}))
        every = (*(SchemeCheckup(scheme=scheme, checkup=checkup()) for scheme in schemes[:-1]),)
        failed = SchemeCheckup(scheme=schemes[-1], error="it could not be applied")
        return SchemeComparison(module="Net", seed=seed, schemes=(*every, failed))
