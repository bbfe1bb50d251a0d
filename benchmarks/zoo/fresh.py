"""The fresh split: kinds and styles that the rules were not adjusted on; they are older."""

import dataclasses
import functools
import importlib.util
import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from zoo import _data, _fresh_data, library
from zoo import _fresh_dense as dense
from zoo import _fresh_generative as generative
from zoo import _fresh_pictures as pictures
from zoo import _fresh_sequences as sequences
from zoo._case import Batch, Case
from zoo.recurrent import sequence_loss

CE, MSE, BCE = F.cross_entropy, F.mse_loss, F.binary_cross_entropy_with_logits
LN2, LN4, LN10 = math.log(2), math.log(4), math.log(10)
QUICK = (("adam", 1e-2), ("adam", 3e-3), ("adam", 3e-2))


# --- losses ------------------------------------------------------------------------------------------------------


def balanced_loss(output, targets):
    logits, balance = output
    return CE(logits, targets) + 0.01 * balance


def uncertain_loss(output, targets):
    """Each task's loss over its learned variance."""
    ink = (targets.float() - 4.5)[:, None] / 2.9
    losses = torch.stack([
        CE(output["digit"], targets),
        BCE(output["parity"], (targets % 2).float()[:, None]),
        MSE(output["ink"], ink),
    ])  # fmt: skip
    return (torch.exp(-output["log_variance"]) * losses + 0.5 * output["log_variance"]).sum()


def poisson_loss(output, targets):
    return F.poisson_nll_loss(output["log_rate"][:, 0], targets)


def cox_loss(output, targets):
    """Minus the log partial likelihood of those who died."""
    risk, (time, died) = output["risk"][:, 0], targets
    order = time.argsort(descending=True)
    risk, died = risk[order], died[order]
    return -((risk - torch.logcumsumexp(risk, 0)) * died).sum() / died.sum()


def ordinal_loss(output, targets):
    return BCE(output, (targets[:, None] > torch.arange(4)).float())


def pinball(output, targets):
    error = targets - output
    levels = torch.tensor([0.1, 0.5, 0.9])
    return torch.maximum(levels * error, (levels - 1) * error).mean()


def gaussian_loss(output, targets):
    return F.gaussian_nll_loss(output["mean"], targets, F.softplus(output["spread"]) + 1e-3)


def vq_loss(output, targets):
    return MSE(output["picture"], targets) + output["commit"]


def clip_loss(output, targets=None):
    return pictures.symmetric_loss(output.logits_per_image, targets)


def policy_loss(output, targets):
    """A bandit with Gaussian actions: the best action is the target, a little entropy is kept."""
    spread = output["log_std"].clamp(-5, 2).exp()
    action = torch.tanh(output["mean"] + spread * torch.randn_like(spread))
    return ((action - torch.tanh(targets)) ** 2).mean() - 1e-3 * spread.log().mean()


# --- the networks ------------------------------------------------------------------------------------------------


def spelled_for_clip(seed):
    (picture, text), _ = dataclasses.astuple(_fresh_data.captions(seed))[:2]
    picture = F.interpolate(picture, size=16, mode="bilinear", align_corners=False).repeat(1, 3, 1, 1)
    return Batch((), None, {"input_ids": F.pad(text, (0, 1), value=25), "pixel_values": picture})


def case(name, build, batch, loss_fn, uninformed=None, steps=80, **more):
    return Case(name, "fresh", build, batch, loss_fn, uninformed, steps, fresh=True, **more)


def digits(name, build, batch=_data.rows, **more):
    return case(name, build, batch, CE, LN10, **more)


def language(name, block, **more):
    return case(name, lambda: sequences.Language(block), _data.tokens, sequence_loss, math.log(32), **more)


def kan():
    return nn.Sequential(dense.KANLayer(8, 8), dense.KANLayer(8, 1))


def bayes():
    return nn.Sequential(dense.BayesLinear(64, 64), nn.ReLU(), dense.BayesLinear(64, 10))


OWN = (
    digits("fresh_functional_rms", dense.FunctionalRMS),
    digits("fresh_module_dict", dense.Branches),
    digits("fresh_own_swish", dense.SwishNet),
    digits("fresh_binary_units", dense.BinaryNet),
    digits("fresh_fake_quant", dense.quantised),
    case("fresh_kan", kan, _data.smooth, MSE, 1.0, recipes=QUICK),
    digits("fresh_hopfield", dense.Hopfield),
    case("fresh_topk_moe", dense.TopKMoE, _data.rows, balanced_loss, LN10),
    case("fresh_neural_ode", dense.NeuralODE, _fresh_data.rings, CE, LN2, steps=120, recipes=QUICK),
    digits("fresh_equilibrium", dense.Equilibrium),
    case("fresh_tabular_resnet", lambda: dense.TabularResNet(30, 2), _data.cancer_classes, CE, LN2),
    case("fresh_cross_network", dense.CrossNet, _data.clicks, BCE, LN2, recipes=QUICK),
    case("fresh_variable_selection", dense.VariableSelection, _data.smooth, MSE, 1.0, recipes=QUICK),
    case("fresh_uncertain_tasks", dense.UncertainTasks, _data.rows, uncertain_loss),
    case("fresh_ordinal", dense.Ordinal, _fresh_data.grades, ordinal_loss, 0.55),
    case("fresh_quantiles", dense.Quantiles, _fresh_data.widening, pinball, 0.255),
    case("fresh_poisson", lambda: dense.Trunk(6, {"log_rate": 1}), _fresh_data.counts, poisson_loss, 0.54, 120),
    case("fresh_cox", lambda: dense.Trunk(6, {"risk": 1}, act=torch.tanh), _fresh_data.survival, cox_loss,
         math.log(64) - 1, 150),
    case("fresh_gaussian_nll", lambda: dense.Trunk(4, {"mean": 1, "spread": 1}), _fresh_data.widening, gaussian_loss,
         steps=120),
    case("fresh_tanh_policy", lambda: dense.Trunk(4, {"mean": 1, "log_std": 1}, act=F.silu), _fresh_data.widening,
         policy_loss),
    case("fresh_hamiltonian", dense.Hamiltonian, _fresh_data.pendulum, MSE, 1.4, 150),
    digits("fresh_soft_tree", dense.SoftTree, recipes=QUICK),
    digits("fresh_bayes", bayes),
    digits("fresh_weight_standardised", pictures.standardised, _data.images),
    digits("fresh_gram", pictures.Gram, _data.images, steps=120),
    case("fresh_capsules", pictures.Capsules, _data.images, pictures.margin_loss, 0.52, 100),
    digits("fresh_spatial_transformer", pictures.SpatialTransformer, _data.images),
    case("fresh_speech_glu", pictures.speech, _fresh_data.tones, CE, LN4),
    case("fresh_unet_1d", pictures.UNet1d, _fresh_data.spikes, BCE, 0.66),
    case("fresh_unet_3d", pictures.UNet3d, _fresh_data.volumes, BCE, 0.4),
    case("fresh_fpn", pictures.FPN, _data.halves, BCE, 0.66),
    case("fresh_keypoints", pictures.SoftArgmax, _fresh_data.keypoints, MSE, 0.213, 100),
    case("fresh_detr", pictures.DETR, _fresh_data.objects, pictures.set_loss, 2.39, 250,
         recipes=(("adam", 3e-3), ("adam", 1e-3))),
    case("fresh_clip", pictures.TwoTowers, _fresh_data.captions, pictures.symmetric_loss, LN10),
    case("fresh_simclr", pictures.SimCLR, _fresh_data.two_views, pictures.nt_xent),
    case("fresh_barlow", pictures.SimCLR, _fresh_data.two_views, pictures.barlow),
    case("fresh_triplet", pictures.Embedder, _fresh_data.triplets, pictures.triplet_loss, 1.0),
    case("fresh_glow_lu", generative.Glow, _fresh_data.blobs8, generative.likelihood_loss, 1.42, 150, recipes=QUICK),
    case("fresh_made", generative.MADE, _fresh_data.binary_digits, BCE, 0.4, 500,
         recipes=QUICK),
    case("fresh_diffusion_unet", generative.DiffusionUNet, _data.noised, MSE, 1.0, 100),
    case("fresh_conv_vq", generative.ConvVQ, _data.same(_data.images), vq_loss, 0.53, 400, recipes=QUICK),
    case("fresh_gumbel_vae", generative.GumbelVAE, _data.same(_data.rows), MSE, 0.53, 150),
    case("fresh_hinge_critic", generative.HingeCritic, _data.real_and_noise, generative.hinge, 1.0, recipes=QUICK),
    case("fresh_mixture_density", generative.Mixture, _fresh_data.branches, generative.mixture_nll, 0.675, 200,
         recipes=QUICK),
    digits("fresh_hand_lstm", sequences.HandLSTM, _data.digit_sequences),
    digits("fresh_xlstm", sequences.XLSTM, _data.digit_sequences),
    digits("fresh_min_gru", sequences.MinGRU, _data.digit_sequences),
    digits("fresh_slot_attention", sequences.SlotAttention, _data.digit_sequences),
    language("fresh_selective_scan", lambda d: sequences.SelectiveScan(d, 4)),
    language("fresh_rwkv", sequences.RWKVMix),
    language("fresh_linear_attention", sequences.LinearAttention),
    language("fresh_rotary_gqa", sequences.RotaryGQA),
    case("fresh_nbeats", sequences.NBeats, _fresh_data.history, MSE, 1.0),
    case("fresh_bahdanau", sequences.Bahdanau, _fresh_data.reversal, sequence_loss, math.log(11), 150, recipes=QUICK),
    case("fresh_ctc", sequences.CTCNet, _fresh_data.spelled, sequences.ctc, 1.89, 120, recipes=QUICK),
    case("fresh_ft_transformer", sequences.FTTransformer, _data.clicks, BCE, LN2, 120),
    case("fresh_gat", sequences.GATNet, _fresh_data.edges, CE, LN4, recipes=QUICK),
    case("fresh_gin", sequences.GIN, _fresh_data.graphs, CE, math.log(3)),
    case("fresh_conformer", sequences.Conformer, _fresh_data.tones, CE, LN4),
)  # fmt: skip

SIZES = library.SIZES
BART = {"d_model": 48, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4,
        "decoder_attention_heads": 4, "encoder_ffn_dim": 96, "decoder_ffn_dim": 96}  # fmt: skip
TOWER = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
TRANSFORMERS = (
    library.language("fresh_hf_mistral", "MistralForCausalLM", "MistralConfig", num_key_value_heads=2, **SIZES),
    library.language("fresh_hf_qwen2", "Qwen2ForCausalLM", "Qwen2Config", num_key_value_heads=2, **SIZES),
    library.language("fresh_hf_opt", "OPTForCausalLM", "OPTConfig", hidden_size=48, num_hidden_layers=2,
                     num_attention_heads=4, ffn_dim=96, word_embed_proj_dim=48, max_position_embeddings=32,
                     pad_token_id=31),
    library.language("fresh_hf_mamba", "MambaForCausalLM", "MambaConfig", hidden_size=32, num_hidden_layers=2,
                     state_size=8),
    library.text("fresh_hf_albert", "AlbertForSequenceClassification", "AlbertConfig", embedding_size=24, **SIZES),
    case("fresh_hf_bart", library.from_transformers("BartForConditionalGeneration", "BartConfig", vocab_size=32,
                                                    max_position_embeddings=32, pad_token_id=31, **BART),
         library.translation_by_name, library.of_logits(sequence_loss), math.log(32), 100),
    case("fresh_hf_whisper",
         library.from_transformers("WhisperForConditionalGeneration", "WhisperConfig", vocab_size=10, num_mel_bins=16,
                                   max_source_positions=16, max_target_positions=8, pad_token_id=8, bos_token_id=8,
                                   eos_token_id=8, decoder_start_token_id=9, **{**BART, "d_model": 32}),
         _fresh_data.mel, library.of_logits(sequence_loss), LN4, 120),
    case("fresh_hf_clip",
         library.from_transformers("CLIPModel", "CLIPConfig", projection_dim=32,
                                   text_config={"vocab_size": 26, "max_position_embeddings": 8, "eos_token_id": 25,
                                                **TOWER},
                                   vision_config={"image_size": 16, "patch_size": 4, **TOWER}),
         spelled_for_clip, clip_loss, LN10, 120, recipes=(("adam", 1e-3), ("adam", 3e-3))),
    case("fresh_hf_swin",
         library.from_transformers("SwinForImageClassification", "SwinConfig", image_size=32, patch_size=2,
                                   embed_dim=16, depths=[1, 1, 1], num_heads=[2, 2, 4], window_size=4, num_labels=10),
         library.by_name(functools.partial(_data.color, count=16), "pixel_values"), library.of_logits(CE), LN10, 300,
         recipes=(("adam", 1e-3), ("adam", 3e-3))),
)  # fmt: skip


def cases():
    """Those whose library can be imported."""
    found = (*OWN, *TRANSFORMERS) if importlib.util.find_spec("transformers") else OWN
    return tuple(dataclasses.replace(known, family="fresh", fresh=True) for known in found)
