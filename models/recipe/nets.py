"""The three networks, as diffusers and transformers build them."""

from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import nn
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


class Decoder(nn.Module):
    """What of an AutoencoderKL is trained."""

    def __init__(self, vae):
        super().__init__()
        self.decoder, self.post_quant_conv = vae.decoder, vae.post_quant_conv

    def forward(self, latents):
        """Pictures of -1..1 from latents."""
        return self.decoder(self.post_quant_conv(latents))


class PlainAttention:
    """Attention as it is written.  On a CPU the backward pass of torch's own takes longer than all convolutions."""

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, **_):
        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        parts = (attn.to_q(hidden_states) * attn.scale, attn.to_k(context), attn.to_v(context))
        query, key, value = (part.unflatten(-1, (attn.heads, -1)).transpose(1, 2) for part in parts)
        return attn.to_out[0](((query @ key.mT).softmax(-1) @ value).transpose(1, 2).flatten(2))


def make_unet():
    """Cross-attention on the lower two levels: at 16x16 it costs more than it gives."""
    unet = UNet2DConditionModel(
        sample_size=LATENT_SIDE, in_channels=LATENT_CHANNELS, out_channels=LATENT_CHANNELS,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        mid_block_type="UNetMidBlock2DCrossAttn",
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(64, 128, 224), layers_per_block=1, cross_attention_dim=TEXT_WIDTH, attention_head_dim=8,
        norm_num_groups=32)
    unet.set_attn_processor(PlainAttention())
    unet.conv_out.weight.data.zero_()
    unet.conv_out.bias.data.zero_()
    return unet


def make_text_encoder(tokenizer):
    """A CLIP text encoder; its token table starts ten times larger than usual, which learns sooner."""
    text = CLIPTextModel(CLIPTextConfig(
        vocab_size=len(tokenizer), hidden_size=TEXT_WIDTH, intermediate_size=4 * TEXT_WIDTH, num_hidden_layers=4,
        num_attention_heads=4, max_position_embeddings=TOKENS, projection_dim=TEXT_WIDTH,
        attn_implementation="eager", bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id))
    text.get_input_embeddings().weight.data.normal_(std=0.2)
    return text
