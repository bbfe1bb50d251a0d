"""The lecture's claims in our words, with their formulas and the call that does the same on the reader's network."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """Topic, what the lecture says, the formula, what is exactly true, how to try it, and where it need not hold.

    `latex` is the same formula for pages, one string a line; empty where it is words. A page takes it from a file that
    `docs/generate_formulas.py` writes. `unless` is what a table may be like that does not show the
    claim; empty for claims that hold on any.
    """

    topic: str
    claim: str
    formula: str
    exact: str
    try_it: str
    latex: tuple[str, ...] = ()
    unless: str = ""


_FIT = "justfit fit TABLE --target COLUMN"
_CHECK = "justfit.check(model, x, targets=y)"

TEXTS = {
    "C1": Text(
        "Overfitting",
        "Many passes (100, 500 epochs) over the same data make a network replicate the training data; it then does "
        "badly on data it never saw.",
        "generalization gap = validation loss − training loss",
        "Both losses in eval mode, on the same kind of examples, and the gap with its standard error.",
        _FIT + "   # or judge a finished run: justfit judge metrics.csv",
        unless=(
            "Where the rows are many, or so plain that nobody could mistake them, there is little to overfit: "
            "good news about the table, not a fault of it."
        ),
    ),
    "C2": Text(
        "Underfitting",
        "The network learns neither training nor test data; the sign is a poor fit of the training data.",
        "avoidable bias = training loss − reference loss",
        "The reference is named: here the best network of the sweep below, and the constant predictor above.",
        _FIT,
        unless=(
            "Where the columns say little about the target, even the best network is hardly better than a "
            "constant, and no λ can be much worse than that."
        ),
    ),
    "C3": Text(
        "Capacity",
        "With hundreds of parameters overfitting is very likely.",
        "parameters ÷ examples",
        "Parameters, examples and their ratio are part of every verdict; it is the ratio that counts.",
        _FIT + " --hidden 64,64",
        unless=(
            "Rows that a few units tell apart without a mistake are not overfitted, however many parameters there are."
        ),
    ),
    "C4": Text(
        "Three fits",
        "Under, right and over stand side by side in one picture.",
        "J = L(w, b) + λ/(2n)·‖w‖²    for λ too large, λ chosen, λ = 0",
        "Three networks of one sweep: same data, same initial weights, same batches; only λ differs.",
        "justfit.JustFitClassifier().fit(X, y).to_html('report.html')",
        latex=(
            r"J = L(w, b) + \frac{\lambda}{2n} \lVert w \rVert_2^2",
            r"\lambda\ \text{too large},\quad \lambda\ \text{chosen},\quad \lambda = 0",
        ),
    ),
    "C5": Text(
        "L2",
        "J = L(w, b) + λ/(2n)·‖w‖²₂, L any loss, λ the regularization parameter, n the number of samples.",
        "J = L(w, b) + λ/(2n) · ‖w‖²₂",
        "n counts training examples, not those of a batch; w are the weights, not biases nor normalisation "
        "parameters, unless told otherwise.",
        "loss = criterion(model(x), y) + justfit.l2_penalty(model, l2=0.1, num_examples=len(dataset))",
        latex=(r"J = L(w, b) + \frac{\lambda}{2n} \lVert w \rVert_2^2",),
    ),
    "C6": Text(
        "L2 norm",
        "‖w‖²₂ = Σᵢ wᵢ² = wᵀw.",
        "∂J/∂w = ∂L/∂w + λ/n · w",
        "SGD's weight_decay equals λ/n. Under Adam the coupled penalty and AdamW's decoupled decay differ, and the "
        "program says which it does: it couples.",
        "torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=l2 / len(dataset))   # the same steps as "
        "justfit.l2_penalty",
        latex=(r"\frac{\partial J}{\partial w} = \frac{\partial L}{\partial w} + \frac{\lambda}{n} w",),
    ),
    "C7": Text(
        "Effect of λ",
        "Large λ makes weights small, hidden units lose their impact, and the deep network becomes linear.",
        "λ ↑  ⇒  Σw² ↓,  R² of the best linear map ↑",
        "Measured along λ: Σw², the share of active units, and the R² of the best linear map against the network's "
        "output.",
        _FIT + "   # the report shows the three curves of your network",
        latex=(
            r"\lambda \uparrow\ \Rightarrow\ \sum w^2 \downarrow",
            r"\lambda \uparrow\ \Rightarrow\ R^2\ \text{of the best linear map} \uparrow",
        ),
        unless=(
            "Where a linear map is all that there is to learn, or nothing is, no λ makes the network more "
            "linear than it was."
        ),
    ),
    "C8": Text(
        "Choice of λ",
        "Very large λ moves the model from overfitting to underfitting; an intermediate λ prevents both.",
        "λ* = argmin over λ of the validation loss",
        "The regularization path: training and validation loss against λ (a U), and the chosen λ with its uncertainty.",
        _FIT,
        latex=(r"\lambda^{*} = \text{argmin}_{\lambda}\ \text{validation loss}",),
        unless=(
            "Where the columns say little about the target, the best network is nearly a constant already, and a "
            "larger λ has nothing left to take away."
        ),
    ),
    "C9": Text(
        "Dropout",
        "In training each neuron stays active with a probability; an inactive one loses its connections; each "
        "training sample has a new thinned network.",
        "ã = m ⊙ a / (1 − p),   m ~ Bernoulli(1 − p),   E[ã] = a",
        "A probability per layer or per unit; an independent mask per sample and step; inverted scaling keeps the "
        "expected activation.",
        "nn.Sequential(nn.Linear(20, 64), nn.ReLU(), justfit.Dropout(0.2), nn.Linear(64, 3))",
        latex=(
            r"\tilde{a} = \frac{m \odot a}{1 - p}",
            r"m \sim \text{Bernoulli}(1 - p)",
            r"\mathbb{E}[\tilde{a}] = a",
        ),
    ),
    "C10": Text(
        "Dropout at test time",
        "There is none at test time: predictions are not random.",
        "eval mode:  ã = a",
        "Eval mode is exactly the identity, bit for bit; nothing is scaled.",
        "model.eval()(x)   # justfit explain JF106: a loss that was taken in train mode",
        latex=(r"\text{eval mode:}\quad \tilde{a} = a",),
    ),
    "C11": Text(
        "The thinned network",
        "The standard network stands beside the thinned one.",
        "thinned network = network without the units whose mask is 0, the others times 1/(1 − p)",
        "Drawn from a real mask of a trained network: what is dropped gets no gradient on any connection.",
        "model.train()(x)   # with justfit.Dropout(0.5) after each hidden layer",
    ),
    "C12": Text(
        "Vanishing and exploding",
        "In a deep linear network ŷ = w[l]·w[l−1]…w[1]·x, w = 0.9·I vanishes as 0.9^(l−1) and w = 1.1·I explodes.",
        "ŷ = w[l] · cˡ⁻¹ · x,   ∂L/∂w[k] ∝ cˡ⁻²",
        "For any factor and depth, closed form beside autograd; the singular values of the product say it for any "
        "matrices.",
        _CHECK + "   # the same measurement on any nn.Module",
        latex=(
            r"\hat{y} = w^{[l]}\, c^{\,l-1}\, x",
            r"\frac{\partial L}{\partial w^{[k]}} \propto c^{\,l-2}",
        ),
    ),
    "C13": Text(
        "The rule",
        "w < I vanishes, w > I explodes; careful initialization partly cures it.",
        "depth of an e-fold change: ξ = 1 / |ln gain|",
        "Forward and backward gain by layer; the verdict is the depth over which the signal changes e-fold.",
        _CHECK + "; justfit.initialize_(model, x, scheme='auto')",
        latex=(r"\text{depth of an e-fold change:}\quad \xi = \frac{1}{\left| \ln \text{gain} \right|}",),
    ),
    "C14": Text(
        "Zero initialization",
        "Without randomness hidden units stay symmetric and the network behaves like a linear model; not a good "
        "choice.",
        "w = 0  ⇒  all units of a layer have equal weights and equal gradients, at every step",
        "Units are found identical before and during training. From exact zeros nothing but the output bias ever "
        "learns: less than a linear model.",
        _CHECK + "   # JF301 names layers of identical units",
    ),
    "C15": Text(
        "Random initialization",
        "Better than zero, not optimal: too large with ReLU and outputs explode and training is slow; too small and "
        "activations map to 0 and nothing is learned.",
        "Var(w) = g²/fan_in,   g = 1 / √E[φ(z)²],   z ~ N(0, 1)",
        "The standard deviation for which the gain is 1 is computed for any activation, and both sides are shown.",
        "justfit.gain(torch.nn.GELU())",
        latex=(
            r"\text{Var}(w) = \frac{g^2}{\text{fan_in}}",
            r"g = \frac{1}{\sqrt{\mathbb{E}[\varphi(z)^2]}},\quad z \sim N(0, 1)",
        ),
        unless="Rows that any network tells apart at once are learned from weights of any size.",
    ),
    "C16": Text(
        "Xavier",
        "Zero mean and Var(w) = √(1/n_in) for tanh, as it is printed.",
        "Var(w) = 1/fan_in   (Glorot: 2/(fan_in + fan_out))",
        "The printed square root is the factor that multiplies a standard normal draw: the standard deviation, not "
        "the variance.",
        "justfit.initialize_(model, scheme='xavier', seed=0)",
        latex=(
            r"\text{Var}(w) = \frac{1}{\text{fan_in}}",
            r"\text{Glorot:}\quad \text{Var}(w) = \frac{2}{\text{fan_in} + \text{fan_out}}",
        ),
    ),
    "C17": Text(
        "He",
        "For ReLU and its variants Var(w) = 2/n_in.",
        "Var(w) = 2/fan_in;   leaky slope a:  2/((1 + a²)·fan_in)",
        "Half of the variance is cut off by ReLU, and the factor 2 puts it back; a leaky slope a cuts off less.",
        "justfit.initialize_(model, scheme='he', seed=0)",
        latex=(
            r"\text{Var}(w) = \frac{2}{\text{fan_in}}",
            r"\text{leaky slope}\ a\text{:}\quad \text{Var}(w) = \frac{2}{(1 + a^2) \cdot \text{fan_in}}",
        ),
    ),
}
