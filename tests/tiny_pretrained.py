"""Tiny random models of every architecture in the catalogue, as their repositories on the Hub are laid out.

`repository(entry)` gives {file name: content} for tests/fake_hub.py.  A few thousand parameters each, built in under a second.
"""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from aigc.pretrained.catalogue import Entry

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def repository(entry: Entry) -> dict[str, bytes]:
    """What `entry.repo` holds, in miniature."""
    return dict(_built(entry.slug, entry.variant))


def written(entry: Entry, to: Path) -> Path:
    """The same as files of this folder."""
    for name, content in repository(entry).items():
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        (to / name).write_bytes(content)
    return to


@functools.cache
def _built(slug: str, variant: str) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(0)
        BUILDERS[slug](Path(folder), variant or None)
        files = {str(p.relative_to(folder).as_posix()): p.read_bytes() for p in Path(folder).rglob("*") if p.is_file()}
    return {**files, "README.md": b"# tiny", ".gitattributes": b""}


# words
def byte_tokenizer() -> Any:
    """Byte-level BPE that knows both languages, with a chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    special = ["<pad>", "<s>", "</s>", "<unk>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(vocab_size=320, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    inner.train_from_iterator(["hello world", "你好，世界", "a red seven on blue"], trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>")
    tokenizer.chat_template = TEMPLATE
    tokenizer.model_max_length = 256
    return tokenizer


def clip_tokenizer(folder: Path) -> Any:
    """CLIP's tokenizer without merges: one token a letter."""
    from transformers import CLIPTokenizer

    known = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(b) for b in known] + [chr(256 + n) for n in range(256 - len(known))]
    words = [*letters, *(c + "</w>" for c in letters), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({w: i for i, w in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=77)


def _clip(folder: Path) -> Any:
    with tempfile.TemporaryDirectory() as words:
        return clip_tokenizer(Path(words))


def qwen3(layers: int = 2, tokens: int | None = None) -> Any:
    from transformers import Qwen3Config, Qwen3ForCausalLM

    return Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=tokens or len(byte_tokenizer()), hidden_size=16, intermediate_size=32, num_hidden_layers=layers, num_attention_heads=2,
            num_key_value_heads=1, head_dim=8, max_position_embeddings=1024, bos_token_id=1, eos_token_id=2, pad_token_id=0,
        )
    )  # fmt: skip


def _qwen3(to: Path, variant: str | None) -> None:
    qwen3().to(torch.bfloat16).save_pretrained(to)
    byte_tokenizer().save_pretrained(to)


def _qwen3_in_shards(to: Path, variant: str | None) -> None:
    qwen3().to(torch.bfloat16).save_pretrained(to, max_shard_size="10KB")
    byte_tokenizer().save_pretrained(to)


def _llama(to: Path, variant: str | None) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=len(byte_tokenizer()), hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=256, bos_token_id=1, eos_token_id=2, pad_token_id=0,
    )  # fmt: skip
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(to)
    byte_tokenizer().save_pretrained(to)


def _gpt2(to: Path, variant: str | None) -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(vocab_size=len(byte_tokenizer()), n_positions=256, n_embd=16, n_layer=2, n_head=2, bos_token_id=1, eos_token_id=2)
    GPT2LMHeadModel(config).save_pretrained(to)
    tokenizer = byte_tokenizer()
    tokenizer.chat_template = None
    tokenizer.save_pretrained(to)
    # As the real repository: other formats stand beside, and are not wanted.
    (to / "pytorch_model.bin").write_bytes(b"pickle" * 100)
    (to / "onnx").mkdir()
    (to / "onnx" / "config.json").write_text("{}")


def _bart(to: Path, variant: str | None) -> None:
    from transformers import BartConfig, BartForConditionalGeneration

    config = BartConfig(
        vocab_size=len(byte_tokenizer()), d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=32, decoder_ffn_dim=32, max_position_embeddings=256, bos_token_id=1, pad_token_id=0, eos_token_id=2,
        decoder_start_token_id=2, forced_eos_token_id=2,
    )  # fmt: skip
    BartForConditionalGeneration(config).save_pretrained(to)
    tokenizer = byte_tokenizer()
    tokenizer.chat_template = None
    tokenizer.save_pretrained(to)


# pictures
def _text_encoder(tokenizer: Any, projected: bool = False) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=37, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=77,
        projection_dim=32, bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    return (CLIPTextModelWithProjection if projected else CLIPTextModel)(config)


def _unet(channels: int = 4, **more: Any) -> Any:
    from diffusers import UNet2DConditionModel

    how: dict[str, Any] = {
        "block_out_channels": (4, 8), "layers_per_block": 1, "sample_size": 32, "in_channels": channels, "out_channels": 4,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"), "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "cross_attention_dim": 32, "attention_head_dim": 2, "norm_num_groups": 2,
    }  # fmt: skip
    return UNet2DConditionModel(**{**how, **more})


def _vae(latents: int = 4, blocks: int = 2, **more: Any) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=[4, 8, 8, 8][:blocks], in_channels=3, out_channels=3, down_block_types=["DownEncoderBlock2D"] * blocks,
        up_block_types=["UpDecoderBlock2D"] * blocks, latent_channels=latents, norm_num_groups=2, **more,
    )  # fmt: skip


def _ddim() -> Any:
    from diffusers import DDIMScheduler

    return DDIMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False, set_alpha_to_one=False, steps_offset=1)


def _safety() -> dict[str, Any]:
    """The checker that comes with Stable Diffusion 1; its concepts are far from everything."""
    from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
    from transformers import CLIPConfig, CLIPImageProcessorPil

    small = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    checker = StableDiffusionSafetyChecker(
        CLIPConfig(vision_config={**small, "image_size": 32, "patch_size": 16}, text_config=small, projection_dim=8)
    )
    checker.concept_embeds_weights.data.fill_(2.0)
    checker.special_care_embeds_weights.data.fill_(2.0)
    return {"safety_checker": checker, "feature_extractor": CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=32)}


def _stable_diffusion(to: Path, variant: str | None, name: str = "StableDiffusionPipeline", channels: int = 4) -> None:
    import diffusers

    tokenizer = _clip(to)
    pipe = getattr(diffusers, name)(
        vae=_vae(), text_encoder=_text_encoder(tokenizer), tokenizer=tokenizer, unet=_unet(channels), scheduler=_ddim(), **_safety(),
    )  # fmt: skip
    _save(pipe, to, variant)


def _inpainting(to: Path, variant: str | None) -> None:
    _stable_diffusion(to, variant, "StableDiffusionInpaintPipeline", 9)


def _lcm(to: Path, variant: str | None) -> None:
    from diffusers import LatentConsistencyModelPipeline, LCMScheduler

    tokenizer = _clip(to)
    pipe = LatentConsistencyModelPipeline(
        vae=_vae(), text_encoder=_text_encoder(tokenizer), tokenizer=tokenizer, unet=_unet(time_cond_proj_dim=32),
        scheduler=LCMScheduler.from_config(_ddim().config), safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    _save(pipe, to, variant)


def _sdxl(to: Path, variant: str | None) -> None:
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline

    tokenizer = _clip(to)
    unet = _unet(
        cross_attention_dim=64, addition_embed_type="text_time", addition_time_embed_dim=8, transformer_layers_per_block=(1, 1),
        projection_class_embeddings_input_dim=80, use_linear_projection=True, attention_head_dim=(2, 2),
    )  # fmt: skip
    pipe = StableDiffusionXLPipeline(
        vae=_vae(), text_encoder=_text_encoder(tokenizer), text_encoder_2=_text_encoder(tokenizer, projected=True), tokenizer=tokenizer,
        tokenizer_2=tokenizer, unet=unet, scheduler=EulerDiscreteScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear"),
    )  # fmt: skip
    _save(pipe, to, variant)


def _x4_upscaler(to: Path, variant: str | None) -> None:
    from diffusers import DDPMScheduler, StableDiffusionUpscalePipeline

    tokenizer = _clip(to)
    pipe = StableDiffusionUpscalePipeline(
        vae=_vae(blocks=3), text_encoder=_text_encoder(tokenizer), tokenizer=tokenizer,
        unet=_unet(7, num_class_embeds=1000, only_cross_attention=(True, True)), low_res_scheduler=DDPMScheduler(), scheduler=_ddim(),
    )  # fmt: skip
    _save(pipe, to, variant)


def _z_image(to: Path, variant: str | None) -> None:
    from diffusers import FlowMatchEulerDiscreteScheduler, ZImagePipeline, ZImageTransformer2DModel

    transformer = ZImageTransformer2DModel(
        in_channels=16, dim=24, n_layers=1, n_refiner_layers=1, n_heads=2, n_kv_heads=2, cap_feat_dim=16, axes_dims=[4, 4, 4], axes_lens=[512, 64, 64]
    )
    pipe = ZImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0), vae=_vae(latents=16, blocks=4, use_quant_conv=False, use_post_quant_conv=False,
        shift_factor=0.1, scaling_factor=0.36), text_encoder=qwen3(), tokenizer=byte_tokenizer(), transformer=transformer,
    )  # fmt: skip
    _save(pipe, to, variant)


def _flux2_klein(to: Path, variant: str | None) -> None:
    from diffusers import AutoencoderKLFlux2, FlowMatchEulerDiscreteScheduler, Flux2KleinPipeline, Flux2Transformer2DModel

    transformer = Flux2Transformer2DModel(
        in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2, joint_attention_dim=48,
        timestep_guidance_channels=16, axes_dims_rope=(4, 4, 4, 4), guidance_embeds=False,
    )  # fmt: skip
    vae = AutoencoderKLFlux2(
        block_out_channels=(4, 8, 8, 8), layers_per_block=1, latent_channels=4, norm_num_groups=2, sample_size=64, mid_block_add_attention=False
    )
    pipe = Flux2KleinPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0), vae=vae, text_encoder=qwen3(layers=28), tokenizer=byte_tokenizer(),
        transformer=transformer, is_distilled=True,
    )  # fmt: skip
    _save(pipe, to, variant)


def _ddpm(to: Path, variant: str | None) -> None:
    """As the repositories of 2020 are: everything at the top, nothing in folders of its own."""
    from diffusers import DDPMScheduler, UNet2DModel

    unet = UNet2DModel(
        sample_size=16, block_out_channels=(4, 8), layers_per_block=1, down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"), norm_num_groups=2,
    )  # fmt: skip
    unet.save_pretrained(to)
    DDPMScheduler(num_train_timesteps=1000).save_pretrained(to)
    index = {
        "_class_name": "DDPMPipeline",
        "_diffusers_version": "0.1.1",
        "scheduler": ["diffusers", "DDPMScheduler"],
        "unet": ["diffusers", "UNet2DModel"],
    }
    (to / "model_index.json").write_text(json.dumps(index))


def _swin2sr(to: Path, variant: str | None) -> None:
    from transformers import Swin2SRConfig, Swin2SRForImageSuperResolution

    config = Swin2SRConfig(
        image_size=16, patch_size=1, embed_dim=12, depths=[1, 1], num_heads=[2, 2], window_size=4, mlp_ratio=1.0, upscale=2,
        upsampler="pixelshuffledirect",
    )  # fmt: skip
    Swin2SRForImageSuperResolution(config).save_pretrained(to)
    (to / "preprocessor_config.json").write_text(
        json.dumps({"do_pad": True, "do_rescale": True, "image_processor_type": "Swin2SRImageProcessor", "rescale_factor": 1 / 255, "pad_size": 8})
    )


def _save(pipe: Any, to: Path, variant: str | None) -> None:
    """With a variant, in both: the plain files stand beside it on the Hub, and are not wanted."""
    if variant:
        pipe.save_pretrained(to)
    pipe.to(dtype=torch.float16 if variant else torch.float32).save_pretrained(to, variant=variant)
    index = to / "model_index.json"
    index.write_text(index.read_text().replace("CLIPImageProcessorPil", "CLIPImageProcessor"))  # as it is called where torchvision is


BUILDERS: dict[str, Callable[[Path, str | None], None]] = {
    "qwen3-0.6b-base": _qwen3,
    "qwen3-0.6b": _qwen3,
    "qwen3-4b-base": _qwen3_in_shards,
    "qwen3-4b": _qwen3_in_shards,
    "smollm2-135m": _llama,
    "gpt2": _gpt2,
    "bart-large-cnn": _bart,
    "lcm-dreamshaper": _lcm,
    "sd-1.5": _stable_diffusion,
    "sd-1.5-inpainting": _inpainting,
    "sdxl": _sdxl,
    "z-image-turbo": _z_image,
    "flux2-klein-4b": _flux2_klein,
    "swin2sr-x2": _swin2sr,
    "sd-x4-upscaler": _x4_upscaler,
    "ddpm-cifar10": _ddpm,
}
