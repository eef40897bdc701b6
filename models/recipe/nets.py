"""The three networks, as diffusers and transformers build them."""

from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

from settings import LATENT_CHANNELS, LATENT_SIDE, SIDE, TEXT_WIDTH, TOKENS

# The noise schedule of Stable Diffusion; what the network predicts is v.
NOISE = {"num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear",
         "prediction_type": "v_prediction"}


def make_vae():
    """8 pixels a latent pixel; no attention, so that a small picture costs little."""
    return AutoencoderKL(
        block_out_channels=(24, 48, 96, 128), down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4, layers_per_block=1, latent_channels=LATENT_CHANNELS,
        norm_num_groups=8, mid_block_add_attention=False, sample_size=SIDE, scaling_factor=1.0)


def make_unet():
    """Cross-attention on the lower two levels: at 16x16 it costs more than it gives."""
    unet = UNet2DConditionModel(
        sample_size=LATENT_SIDE, in_channels=LATENT_CHANNELS, out_channels=LATENT_CHANNELS,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        mid_block_type="UNetMidBlock2DCrossAttn",
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(64, 128, 224), layers_per_block=1, cross_attention_dim=TEXT_WIDTH, attention_head_dim=8,
        norm_num_groups=32)
    unet.conv_out.weight.data.zero_()
    unet.conv_out.bias.data.zero_()
    return unet


def make_text_encoder(tokenizer):
    """A CLIP text encoder; its token table starts ten times larger than usual, which learns sooner."""
    text = CLIPTextModel(CLIPTextConfig(
        vocab_size=len(tokenizer), hidden_size=TEXT_WIDTH, intermediate_size=4 * TEXT_WIDTH, num_hidden_layers=4,
        num_attention_heads=4, max_position_embeddings=TOKENS, projection_dim=TEXT_WIDTH,
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id))
    text.get_input_embeddings().weight.data.normal_(std=0.2)
    return text
