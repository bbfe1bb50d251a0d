"""The command line: one file a command; each parses, calls, prints, and does nothing else.

.. code-block:: console

    $ justfit fit digits --out digits-fit
    $ justfit predict digits-fit new_rows.csv --out predictions.csv
    $ justfit check nets.py:build --input 64,3,32,32
    $ justfit judge metrics.csv
    $ justfit lab --quick --out lab.html
    $ justfit report digits-fit --overwrite
    $ justfit explain JF204

What is shown goes to stdout, what is said (progress, notes, errors) goes to stderr. Exit codes:

====  =====================================================================================
0     done
1     ``check`` or ``judge`` found something of severity ``--fail-on`` or above; ``lab`` refuted a claim
2     wrong usage, or a table, network or directory that cannot be used; one message, no trace
3     a fault of the program; ``JUSTFIT_DEBUG=1`` shows where
130   stopped by Ctrl-C or SIGTERM; ``fit`` and ``lab`` still deliver what is done
====  =====================================================================================

Torch, scikit-learn and polars are imported inside the commands, so ``justfit --help`` answers at once.

>>> from typer.testing import CliRunner
>>> CliRunner().invoke(app, ["fit", "digits", "--hidden", "0"]).exit_code
2
"""

from __future__ import annotations

from justfit.cli._app import app, main

__all__ = ["app", "main"]
