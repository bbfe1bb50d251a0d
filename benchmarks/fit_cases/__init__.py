"""Fit histories in three classes, labelled by the harm that was measured, never by what was changed.

**What is trained.** 23 tables (PMLB, UCI, Gal's regression sets, scikit-learn's own), each as four problems: many
training rows; noisy targets; few training rows; clean targets. On each, the same grid: ten recipes (widths 4 to 256,
one to three layers, three activations, Adam, and Adam with an eps that makes it nearly SGD with momentum, several
learning rates, batches of 8 to 64, constant and cosine, 26 to 300 epochs, and runs cut off from the 5th epoch on) ×
eight cells of (λ, dropout) × three seeds, by the project's own engine. Noise is in all rows, training, validation and
test alike.

**Risk.** Mean loss on test rows that nothing else uses, averaged over the seeds. It is measured at up to 26 epochs of
every run, so that a run cut off there is a case of its own and its own earlier epochs are counterfactuals.

**Excess.** The risk at the last epoch − the best risk of the problem's grid, any configuration and epoch. The best is
chosen on one half of the test rows by two seeds and read on the other half and the third seed, in all six ways: the
smallest of 1,900 means would be too small by its own selection. Its standard error is paired over test rows, adds the
variance over seeds of both, and half the distance between the smallest mean and the cross-fitted one.

**State.** With the tolerance τ = a tenth of what there is to learn (constant predictor's risk − best risk):

* just right: excess ≤ τ.
* else excess = (train risk − that of good networks) + (gap − that of good networks), where good networks are all grid
  points whose excess is at most τ (medians), up to the excess of those medians themselves. Overfitting if the second
  part is larger, underfitting if the first is.

**Ambiguous**, kept and reported apart: within 1.5 standard errors of τ; or the larger part makes up less than 60 % of
the two; or the counterfactual does not confirm it: overfitting needs a twin that fits the training rows less (an
earlier epoch, more λ or dropout, a smaller network) and removes at least half of the excess and more than any twin
that fits them more; underfitting the other way round; or the shown seed's own label differs from that of the mean.
Problems are left out where what there is to learn is below five standard errors.

**Forms.** Train loss in eval mode, or (recipes with `running`) averaged over the batches as they were trained on; a
large validation set or one of 30 to 200 rows; losses, or scores to be maximized: accuracy of two classes (labelled by
the risk of a wrong answer) and R². At most 12 clear and 4 ambiguous cases of each state are drawn per problem.

**Splits.** Eight tables are final, those whose names have the smallest digests; nothing is tuned on them.

    train_problem(name, number, folder)   -> raw numbers of one problem; labels can be made again from them
    write_cases(folder, out, results)     -> cases.jsonl.gz, one history a line, and a table of what they are

References:
    Vapnik, The Nature of Statistical Learning Theory, 1995, chapter 1: risk, and its excess over the best of a class.
    Cawley and Talbot, On over-fitting in model selection, JMLR 11, 2010: why the best must not be read where it was
        chosen.
    Olson et al., PMLB, BioData Mining 10, 2017; Hernández-Lobato and Adams, ICML 2015, and Gal and Ghahramani, ICML
        2016 (the regression sets); Dua and Graff, UCI Machine Learning Repository.
"""

from __future__ import annotations

from fit_cases._grid import NUM_PROBLEMS
from fit_cases._tables import TABLES, names
from fit_cases._train import train_problem
from fit_cases._write import write_cases

__all__ = ["NUM_PROBLEMS", "TABLES", "names", "train_problem", "write_cases"]
