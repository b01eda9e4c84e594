"""The four parts of the miniature, in the classes of diffusers and transformers: 64 x 64 pixels are 16 x 16 x 4 latents.

Attention is taught as plain products: on CPUs the fused kernel's way back takes several times as long in bfloat16.
"""

from __future__ import annotations

from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

LATENT_SIDE, LATENTS = 16, 4
TEXT_WIDTH = 128


def autoencoder() -> AutoencoderKL:
    widths = (16, 32, 64)
    return AutoencoderKL(
        block_out_channels=widths, down_block_types=("DownEncoderBlock2D",) * 3, up_block_types=("UpDecoderBlock2D",) * 3,
        layers_per_block=1, latent_channels=LATENTS, norm_num_groups=8, sample_size=64, mid_block_add_attention=False,
        use_quant_conv=False, use_post_quant_conv=False,
    )  # fmt: skip


def text_encoder(tok: CLIPTokenizer) -> CLIPTextModel:
    config = CLIPTextConfig(
        vocab_size=len(tok), hidden_size=TEXT_WIDTH, intermediate_size=4 * TEXT_WIDTH, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=tok.model_max_length, projection_dim=TEXT_WIDTH, hidden_act="gelu",
        bos_token_id=tok.bos_token_id, eos_token_id=tok.eos_token_id, pad_token_id=tok.pad_token_id,
    )  # fmt: skip
    text = CLIPTextModel(config)
    text.set_attn_implementation("eager")
    return text


def denoiser() -> UNet2DConditionModel:
    unet = UNet2DConditionModel(
        sample_size=LATENT_SIDE, in_channels=LATENTS, out_channels=LATENTS, cross_attention_dim=TEXT_WIDTH,
        block_out_channels=(64, 96, 128), layers_per_block=1, norm_num_groups=16, attention_head_dim=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    )  # fmt: skip
    unet.set_attn_processor(AttnProcessor())
    return unet


def scheduler() -> DDIMScheduler:
    """The linear schedule of Ho et al. 2020, whose last level is noise alone (flat grounds need that), and v as the target."""
    return DDIMScheduler(
        num_train_timesteps=1000, beta_start=1e-4, beta_end=0.02, beta_schedule="linear", prediction_type="v_prediction",
        clip_sample=False, set_alpha_to_one=True, steps_offset=0, timestep_spacing="trailing",
    )  # fmt: skip


def pipeline(vae: AutoencoderKL, text: CLIPTextModel, tok: CLIPTokenizer, unet: UNet2DConditionModel) -> StableDiffusionPipeline:
    return StableDiffusionPipeline(
        vae=vae, text_encoder=text, tokenizer=tok, unet=unet, scheduler=scheduler(),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
