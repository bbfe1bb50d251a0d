"""Networks of timm and transformers, built from a configuration without weights.

transformers: `pip install transformers`. timm needs torchvision, of which no build for the CPU may be at hand: its
Python code is enough, with the names of its operators declared, in a folder of its own:

    pip install --no-deps --target build/zoo_site timm torchvision pillow
"""

import functools
import importlib.util
import math
import sys
from pathlib import Path

import torch
from torch.nn import functional

from zoo import _data
from zoo._case import Batch, Case
from zoo.recurrent import sequence_loss

SITE = Path(__file__).parents[2] / "build" / "zoo_site"
OPERATORS = ("nms", "qnms", "roi_align", "qroi_align", "roi_pool", "ps_roi_align", "ps_roi_pool", "deform_conv2d")
SIZES = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 96}
_declared = []


@functools.cache
def timm():
    # imported first: transformers must not see the torchvision that has no operators
    if SITE.is_dir() and str(SITE) not in sys.path:
        if importlib.util.find_spec("transformers"):
            importlib.import_module("transformers.utils.import_utils").is_torchvision_available()
        library = torch.library.Library("torchvision", "DEF")
        for name in OPERATORS:
            library.define(f"{name}(Tensor x) -> Tensor")
            if not name.startswith("q") and name != "nms":
                library.define(f"_{name}_backward(Tensor x) -> Tensor")
        _declared.append(library)
        sys.path.append(str(SITE))
    return importlib.import_module("timm")


def from_timm(name, **settings):
    return lambda: timm().create_model(name, pretrained=False, num_classes=10, **settings)


def from_transformers(model, config, **settings):
    def build():
        library = importlib.import_module("transformers")
        return getattr(library, model)(getattr(library, config)(**settings))

    return build


def by_name(batch_of, name):
    def batch(seed):
        plain = batch_of(seed)
        return Batch((), plain.targets, {name: plain.inputs[0]})

    return batch


def translation_by_name(seed):
    plain = _data.translation(seed)
    return Batch((), plain.targets, {"input_ids": plain.inputs[0], "decoder_input_ids": plain.inputs[1]})


def of_logits(loss_fn):
    return lambda output, targets: loss_fn(output.logits, targets)


def language(name, model, config, **settings):
    loss_fn, batch = of_logits(sequence_loss), by_name(_data.tokens, "input_ids")
    build = from_transformers(model, config, vocab_size=_data.VOCABULARY, **settings)
    return Case(name, "transformers", build, batch, loss_fn, math.log(32), steps=100)


def text(name, model, config, **settings):
    loss_fn, batch = of_logits(functional.cross_entropy), by_name(_data.topics, "input_ids")
    build = from_transformers(model, config, vocab_size=_data.VOCABULARY, num_labels=4, **settings)
    return Case(name, "transformers", build, batch, loss_fn, math.log(4), steps=120,
                recipes=(("adam", 1e-3), ("adam", 3e-3), ("adam", 3e-4)))  # fmt: skip


def timm_case(name, size=32, steps=50, **settings):
    batch = functools.partial(_data.color, count=16, size=size)
    return Case(f"timm_{name}", "timm", from_timm(name, **settings), batch, functional.cross_entropy, math.log(10),
                steps=steps, recipes=(("adam", 1e-3), ("adam", 3e-3)))  # fmt: skip


TRANSFORMERS = (
    text("hf_bert", "BertForSequenceClassification", "BertConfig", **SIZES),
    text("hf_distilbert", "DistilBertForSequenceClassification", "DistilBertConfig", dim=48, n_layers=2, n_heads=4,
         hidden_dim=96),
    text("hf_roberta", "RobertaForSequenceClassification", "RobertaConfig", pad_token_id=31, **SIZES),
    text("hf_electra", "ElectraForSequenceClassification", "ElectraConfig", embedding_size=24, **SIZES),
    language("hf_gpt2", "GPT2LMHeadModel", "GPT2Config", n_embd=48, n_layer=2, n_head=4, n_positions=32,
             bos_token_id=0, eos_token_id=0),
    language("hf_llama", "LlamaForCausalLM", "LlamaConfig", num_key_value_heads=2, **SIZES),
    language("hf_gpt_neox", "GPTNeoXForCausalLM", "GPTNeoXConfig", **SIZES),
    Case("hf_t5", "transformers",
         from_transformers("T5ForConditionalGeneration", "T5Config", vocab_size=_data.VOCABULARY, d_model=48, d_kv=12,
                           d_ff=96, num_layers=2, num_heads=4),
         translation_by_name, of_logits(sequence_loss), math.log(32), steps=100),
    Case("hf_vit", "transformers",
         from_transformers("ViTForImageClassification", "ViTConfig", image_size=32, patch_size=8, num_labels=10,
                           **SIZES),
         by_name(_data.color, "pixel_values"), of_logits(functional.cross_entropy), math.log(10), steps=120,
         recipes=(("adam", 1e-3), ("adam", 3e-3))),
)  # fmt: skip
TIMM = (
    timm_case("resnet10t"),
    timm_case("mobilenetv3_small_050", steps=250),
    timm_case("test_efficientnet"),
    timm_case("test_vit", steps=250, img_size=32, patch_size=4),
    timm_case("test_convnext"),
    timm_case("test_resnet"),
)


def cases():
    """Those whose library can be imported."""
    found = TRANSFORMERS if importlib.util.find_spec("transformers") else ()
    try:
        timm()
    except (ImportError, RuntimeError) as error:
        print(f"timm left out: {error}", file=sys.stderr)
        return found
    return (*found, *TIMM)
