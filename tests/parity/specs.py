"""The small models of the fixtures."""

from dataclasses import replace

from tiny_models import Spec, text_config, unet_config, vae_config

SCALED_LINEAR = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
}

# As Stable Diffusion 1.5 was released: few fields, the rest by default, f16.
SD15 = Spec(
    "sd15",
    unet_config("xxxr", [8, 16, 16, 16], norm_num_groups=4, attention_head_dim=2, cross_attention_dim=16),
    vae_config([4, 8, 8, 8], layers_per_block=2),
    text_config(16, 3, 2, 77),
    {
        "_class_name": "PNDMScheduler",
        **SCALED_LINEAR,
        "set_alpha_to_one": False,
        "skip_prk_steps": True,
        "steps_offset": 1,
        "trained_betas": None,
        "clip_sample": False,
    },
    dtype="f16",
    sparse=True,
    samplers="all",
)

# As Stable Diffusion 2.1: linear projections, heads by level, v-prediction; the U-Net in several files.
SD21 = Spec(
    "sd21",
    unet_config(
        "xxxr",
        [8, 16, 16, 16],
        layers_per_block=1,
        norm_num_groups=4,
        attention_head_dim=[1, 2, 4, 4],
        cross_attention_dim=24,
        use_linear_projection=True,
        upcast_attention=True,
    ),
    vae_config([8, 8], layers_per_block=1),
    text_config(24, 4, 3, 20, hidden_act="gelu"),
    {
        "_class_name": "DDIMScheduler",
        **SCALED_LINEAR,
        "set_alpha_to_one": False,
        "skip_prk_steps": True,
        "steps_offset": 1,
        "clip_sample": False,
        "prediction_type": "v_prediction",
    },
    dtype="f16",
    merges=90,
    shard_bytes=150_000,
    samplers="once",
)

# No attention but in the middle.
MIDDLE_ONLY = Spec(
    "middle-only",
    unet_config("rr", [12, 20], layers_per_block=1, norm_num_groups=4, attention_head_dim=4, cross_attention_dim=12),
    vae_config([8], layers_per_block=2, mid_block_add_attention=False),
    text_config(12, 2, 2, 10),
    {
        "_class_name": "EulerDiscreteScheduler",
        **SCALED_LINEAR,
        "use_karras_sigmas": True,
        "steps_offset": 1,
        "timestep_spacing": "leading",
    },
    merges=0,
)

# No attention anywhere; 8 latent channels without 1x1 convolutions around them; tensors named as transformers 5 does.
NO_ATTENTION = Spec(
    "no-attention",
    unet_config(
        "rr",
        [12, 16],
        mid_block_type="UNetMidBlock2D",
        in_channels=8,
        out_channels=8,
        layers_per_block=2,
        norm_num_groups=4,
        cross_attention_dim=16,
    ),
    vae_config([6, 10], layers_per_block=1, latent_channels=8, use_quant_conv=False, use_post_quant_conv=False),
    text_config(16, 2, 4, 12),
    {
        "_class_name": "EulerAncestralDiscreteScheduler",
        **SCALED_LINEAR,
        "prediction_type": "v_prediction",
        "timestep_spacing": "trailing",
    },
    dtype="bf16",
    bare_text_names=True,
)

# No middle at all; three VAE levels, a quant_conv on one side only.
NO_MIDDLE = Spec(
    "no-middle",
    unet_config(
        "xx",
        [8, 12],
        mid_block_type=None,
        layers_per_block=1,
        norm_num_groups=4,
        attention_head_dim=2,
        cross_attention_dim=16,
    ),
    vae_config([4, 8, 8], layers_per_block=1, use_quant_conv=False, scaling_factor=0.5),
    text_config(16, 2, 2, 16, layer_norm_eps=0.01),
    {
        "_class_name": "DPMSolverMultistepScheduler",
        **SCALED_LINEAR,
        "algorithm_type": "dpmsolver++",
        "solver_order": 2,
        "use_karras_sigmas": True,
        "steps_offset": 1,
    },
)

# Channels and heads that fit no vector length: 15 and 21 channels, heads of 5 and 7; 16 latent channels.
ODD = Spec(
    "odd",
    unet_config(
        "xxr",
        [15, 21, 21],
        in_channels=16,
        out_channels=16,
        layers_per_block=1,
        norm_num_groups=3,
        attention_head_dim=3,
        cross_attention_dim=30,
    ),
    vae_config(
        [9, 15],
        layers_per_block=1,
        norm_num_groups=3,
        latent_channels=16,
        scaling_factor=0.3611,
        shift_factor=0.1159,
        use_post_quant_conv=False,
    ),
    text_config(30, 2, 3, 11, intermediate_size=35),
    {
        "_class_name": "DDIMScheduler",
        "beta_schedule": "squaredcos_cap_v2",
        "timestep_spacing": "trailing",
        "set_alpha_to_one": True,
        "steps_offset": 1,
        "clip_sample": False,
    },
    dtype="f16",
)

# Layers that differ by level, up to three a block, two transformer layers in some.
DEEP = Spec(
    "deep",
    unet_config(
        "rxx",
        [8, 12, 12],
        layers_per_block=[1, 2, 3],
        transformer_layers_per_block=[1, 2, 1],
        norm_num_groups=4,
        attention_head_dim=[2, 2, 3],
        cross_attention_dim=16,
        use_linear_projection=True,
    ),
    vae_config([8, 8, 12], layers_per_block=3),
    text_config(16, 2, 2, 13, hidden_act="gelu"),
    {"_class_name": "PNDMScheduler", **SCALED_LINEAR, "steps_offset": 1, "timestep_spacing": "trailing"},
    dtype="f16",
    draw=1,
)

# One layer a block, two transformer layers in each.
THIN = Spec(
    "thin",
    unet_config(
        "xr",
        [8, 12],
        layers_per_block=1,
        transformer_layers_per_block=2,
        norm_num_groups=2,
        attention_head_dim=[2, 3],
        cross_attention_dim=16,
    ),
    vae_config([8, 8], layers_per_block=1, mid_block_add_attention=False),
    text_config(16, 4, 1, 14),
    {"_class_name": "EulerDiscreteScheduler", **SCALED_LINEAR, "use_exponential_sigmas": True, "steps_offset": 1},
)

# Config fields with other values than released models have.
FIELDS_A = Spec(
    "fields-a",
    unet_config(
        "xxr",
        [8, 12, 12],
        layers_per_block=1,
        norm_num_groups=2,
        attention_head_dim=2,
        cross_attention_dim=16,
        flip_sin_to_cos=False,
        freq_shift=1,
        act_fn="swish",
        only_cross_attention=[True, False, False],
        resnet_time_scale_shift="scale_shift",
        center_input_sample=True,
        norm_eps=0.05,
        conv_in_kernel=5,
        conv_out_kernel=1,
        downsample_padding=0,
        mid_block_scale_factor=1.7,
        time_embedding_dim=20,
    ),
    vae_config([6, 8], layers_per_block=2, act_fn="swish"),
    text_config(16, 2, 2, 12, layer_norm_eps=0.05),
    {"_class_name": "DDIMScheduler", "beta_schedule": "linear", "prediction_type": "sample"},
)

# The rest of them, some of which must change nothing.
FIELDS_B = Spec(
    "fields-b",
    unet_config(
        "rx",
        [10, 12],
        layers_per_block=2,
        norm_num_groups=2,
        attention_head_dim=2,
        cross_attention_dim=16,
        only_cross_attention=True,
        mid_block_only_cross_attention=True,
        resnet_out_scale_factor=2.0,
        freq_shift=1,
        conv_in_kernel=1,
        conv_out_kernel=5,
        upcast_attention=True,
        use_linear_projection=True,
    ),
    vae_config([8, 8], layers_per_block=1),
    text_config(16, 3, 4, 12, hidden_act="gelu"),
    {
        "_class_name": "DPMSolverMultistepScheduler",
        **SCALED_LINEAR,
        "prediction_type": "v_prediction",
        "timestep_spacing": "trailing",
        "steps_offset": 1,
    },
    dtype="bf16",
)

# One file, as Stable Diffusion 1 was first published: what it does not say is as in every such file.
SINGLE = Spec(
    "single",
    unet_config("xr", [32, 64], layers_per_block=1, attention_head_dim=8, cross_attention_dim=64),
    {**vae_config([32, 32], layers_per_block=1), "norm_num_groups": 32},
    text_config(64, 2, 1, 77),
    SD15.scheduler,
    dtype="f16",
    single_file=True,
)

# As Stable Diffusion XL: two text encoders, no attention at the finest level, deeper transformers further down.
SDXL = Spec(
    "sdxl",
    unet_config(
        "rxx",
        [8, 16, 16],
        norm_num_groups=4,
        attention_head_dim=[1, 2, 4],
        transformer_layers_per_block=[1, 1, 2],
        cross_attention_dim=16 + 20,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=12 + 6 * 8,
    ),
    vae_config([4, 8, 8, 8], layers_per_block=1, scaling_factor=0.13025, force_upcast=True),
    text_config(16, 3, 2, 77),
    {
        "_class_name": "EulerDiscreteScheduler",
        **SCALED_LINEAR,
        "interpolation_type": "linear",
        "prediction_type": "epsilon",
        "sample_max_value": 1.0,
        "set_alpha_to_one": False,
        "skip_prk_steps": True,
        "steps_offset": 1,
        "timestep_spacing": "leading",
        "use_karras_sigmas": False,
        "clip_sample": False,
    },
    text_2=text_config(20, 4, 2, 77, hidden_act="gelu", projection_dim=12),
    pipeline="StableDiffusionXLPipeline",
    dtype="f16",
    draw=1,
)

# As its refiner: the second text encoder alone, a score of beauty for the size that is asked for.
REFINER = Spec(
    "refiner",
    unet_config(
        "rxr",
        [8, 16, 16],
        layers_per_block=1,
        norm_num_groups=4,
        attention_head_dim=[1, 2, 4],
        transformer_layers_per_block=2,
        cross_attention_dim=20,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=12 + 5 * 8,
    ),
    vae_config([4, 8, 8], layers_per_block=1, scaling_factor=0.13025),
    None,
    SDXL.scheduler,
    text_2=text_config(20, 3, 2, 77, hidden_act="gelu", projection_dim=12),
    pipeline="StableDiffusionXLImg2ImgPipeline",
    dtype="f16",
)

# Distilled as "latent consistency models" are: told the guidance scale as it is told the timestep.
LCM = Spec(
    "lcm",
    unet_config(
        "xr",
        [8, 12],
        layers_per_block=1,
        norm_num_groups=4,
        attention_head_dim=2,
        cross_attention_dim=16,
        time_cond_proj_dim=14,
    ),
    vae_config([8, 8], layers_per_block=1),
    text_config(16, 2, 2, 77),
    {
        "_class_name": "LCMScheduler",
        **SCALED_LINEAR,
        "clip_sample": False,
        "original_inference_steps": 50,
        "set_alpha_to_one": True,
        "steps_offset": 0,
        "timestep_scaling": 10.0,
    },
    pipeline="LatentConsistencyModelPipeline",
)

# A GGUF file of it, with matrices in every quantized format.
SINGLE_GGUF = Spec(
    "single-gguf",
    unet_config("x", [64], layers_per_block=1, attention_head_dim=8, cross_attention_dim=64),
    {**vae_config([32], layers_per_block=1), "norm_num_groups": 32},
    text_config(64, 2, 1, 77, intermediate_size=256),
    SD15.scheduler,
    gguf=True,
)

# The same of Stable Diffusion 2: OpenCLIP's names, heads of 64 channels, v-prediction.
SINGLE_VAE = {**vae_config([32], layers_per_block=1), "norm_num_groups": 32}
SINGLE_SD2 = Spec(
    "single-sd2",
    unet_config(
        "x",
        [64],
        layers_per_block=1,
        attention_head_dim=[1],
        cross_attention_dim=64,
        use_linear_projection=True,
    ),
    SINGLE_VAE,
    text_config(64, 2, 1, 20, hidden_act="gelu"),
    SD21.scheduler,
    dtype="f16",
    single_file=True,
)

# Of XL, whose sizes take 256 channels each.
SINGLE_XL = Spec(
    "single-xl",
    unet_config(
        "rx",
        [32, 64],
        layers_per_block=1,
        attention_head_dim=[1, 1],
        transformer_layers_per_block=[1, 2],
        cross_attention_dim=64 + 64,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=256,
        projection_class_embeddings_input_dim=24 + 6 * 256,
    ),
    {**SINGLE_VAE, "scaling_factor": 0.13025},
    text_config(64, 2, 1, 77),
    SDXL.scheduler,
    text_2=text_config(64, 2, 1, 77, hidden_act="gelu", projection_dim=24),
    pipeline="StableDiffusionXLPipeline",
    dtype="f16",
    single_file=True,
)

# And of its refiner, whose middle is deeper than its last level, which has no attention.
SINGLE_REFINER = Spec(
    "single-refiner",
    unet_config(
        "rr",
        [32, 64],
        layers_per_block=1,
        attention_head_dim=[1, 1],
        transformer_layers_per_block=[1, 2],
        cross_attention_dim=64,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=256,
        projection_class_embeddings_input_dim=24 + 5 * 256,
    ),
    {**SINGLE_VAE, "scaling_factor": 0.13025},
    None,
    SDXL.scheduler,
    text_2=text_config(64, 2, 1, 77, hidden_act="gelu", projection_dim=24),
    pipeline="StableDiffusionXLImg2ImgPipeline",
    dtype="f16",
    single_file=True,
)

# As distilled variants of Stable Diffusion XL are (SSD-1B): transformers whose depth differs from layer to layer, and
# on the way up from the way down; no attention, or a shallow one, in the middle.
NESTED = Spec(
    "nested",
    unet_config(
        "rxx",
        [8, 12, 16],
        layers_per_block=[1, 2, 2],
        norm_num_groups=4,
        attention_head_dim=[1, 2, 4],
        transformer_layers_per_block=[0, [1, 2], [2, 1]],
        reverse_transformer_layers_per_block=[[1, 2, 1], [2, 1, 1], 0],
        cross_attention_dim=16,
        mid_block_type="UNetMidBlock2DCrossAttn",
    ),
    vae_config([8, 8], layers_per_block=1),
    text_config(16, 2, 2, 14),
    {"_class_name": "EulerDiscreteScheduler", **SCALED_LINEAR, "steps_offset": 1, "timestep_spacing": "leading"},
    draw=2,
)

# As inpainting models are: shown a mask and what it leaves of a picture at every step.
INPAINT = Spec(
    "inpaint",
    unet_config(
        "xxr",
        [8, 12, 16],
        in_channels=9,
        layers_per_block=1,
        norm_num_groups=4,
        attention_head_dim=2,
        cross_attention_dim=16,
    ),
    vae_config([4, 8, 8], layers_per_block=1),
    text_config(16, 3, 2, 77),
    SD15.scheduler,
    pipeline="StableDiffusionInpaintPipeline",
    dtype="f16",
)

# As those that edit pictures by instruction are: shown the picture's latent.
EDIT = replace(
    INPAINT,
    name="edit",
    unet={**INPAINT.unet, "in_channels": 8},
    pipeline="StableDiffusionInstructPix2PixPipeline",
)

# An inpainting model in one file.  Its VAE has two channels a group: what is grey all over would leave one alone nothing
# to be normed by.
SINGLE_INPAINT = replace(
    SINGLE,
    name="single-inpaint",
    unet={**SINGLE.unet, "block_out_channels": [32, 32], "in_channels": 9},
    vae={**vae_config([64], layers_per_block=1), "norm_num_groups": 32},
    pipeline="StableDiffusionInpaintPipeline",
)

# As inpainting models of Stable Diffusion XL are.
INPAINT_XL = replace(
    SDXL,
    name="inpaint-xl",
    unet={**SDXL.unet, "in_channels": 9},
    pipeline="StableDiffusionXLInpaintPipeline",
)

# As those of Stable Diffusion XL that edit are, but for the schedule, as CosXL is.
EDIT_XL = replace(
    SDXL,
    name="edit-xl",
    unet={**SDXL.unet, "in_channels": 8},
    pipeline="StableDiffusionXLInstructPix2PixPipeline",
    cosxl=True,
)

SPECS = [
    SD15, SD21, MIDDLE_ONLY, NO_ATTENTION, NO_MIDDLE, ODD, DEEP, THIN, FIELDS_A, FIELDS_B, SDXL, REFINER, LCM,
    INPAINT, INPAINT_XL, NESTED, EDIT, EDIT_XL, SINGLE, SINGLE_INPAINT, SINGLE_SD2, SINGLE_XL, SINGLE_REFINER, SINGLE_GGUF,
]
