"""Random models and settings within what the engine supports, for scripts/parity-live."""

from cases import NEGATIVE, PROMPTS, Plan, add_request, add_text_cases, add_vae_cases
from samplers import SAMPLERS, schedules_of
from tiny_models import DTYPES, Spec, text_config, unet_config, vae_config

UNET_CASES = 3
REQUESTS = 6
MIDDLES = ("UNetMidBlock2DCrossAttn", "UNetMidBlock2DCrossAttn", "UNetMidBlock2D", None)


def divisors(number):
    """All divisors of a positive number."""
    return [d for d in range(1, number + 1) if number % d == 0]


def sometimes(rng, fields):
    """Each field with probability 1/4; a callable draws its value."""
    return {key: draw() for key, draw in fields.items() if rng.random() < 0.25}


def random_channels(rng, levels, groups):
    """Channels of each level: multiples of groups, at least two channels a group."""
    return [groups * rng.randint(2, max(2, 16 // groups)) for _ in range(levels)]


def random_unet(rng, context, latent_channels):
    """U-Net fields."""
    levels = "".join(rng.choice("xxr") for _ in range(rng.randint(1, 4)))
    groups = rng.choice([2, 3, 4])
    channels = random_channels(rng, len(levels), groups)
    fields = {
        "in_channels": latent_channels,
        "out_channels": latent_channels,
        "norm_num_groups": groups,
        "cross_attention_dim": context,
        "attention_head_dim": [rng.choice(divisors(count)[:5]) for count in channels],
        "layers_per_block": rng.choice([1, 2, [rng.randint(1, 3) for _ in levels]]),
        "transformer_layers_per_block": rng.choice([1, 1, 2, [rng.randint(1, 2) for _ in levels]]),
        "mid_block_type": rng.choice(MIDDLES),
        "use_linear_projection": rng.random() < 0.5,
    }
    fields |= sometimes(
        rng,
        {
            "flip_sin_to_cos": lambda: False,
            "freq_shift": lambda: 1,
            "act_fn": lambda: "swish",
            "only_cross_attention": lambda: rng.choice([True, [rng.random() < 0.5 for _ in levels]]),
            "mid_block_only_cross_attention": lambda: True,
            "resnet_time_scale_shift": lambda: "scale_shift",
            "center_input_sample": lambda: True,
            "upcast_attention": lambda: True,
            "norm_eps": lambda: rng.choice([1e-6, 1e-3, 0.05]),
            "conv_in_kernel": lambda: rng.choice([1, 5]),
            "conv_out_kernel": lambda: rng.choice([1, 5]),
            "downsample_padding": lambda: 0,
            "mid_block_scale_factor": lambda: rng.choice([0.7, 1.5]),
            "resnet_out_scale_factor": lambda: 2.0,
            "time_embedding_dim": lambda: rng.randint(8, 40),
        },
    )
    return unet_config(levels, channels, **fields)


def random_vae(rng, latent_channels):
    """VAE fields."""
    groups = rng.choice([2, 3])
    channels = random_channels(rng, rng.randint(1, 4), groups)
    fields = sometimes(
        rng,
        {
            "mid_block_add_attention": lambda: False,
            "use_quant_conv": lambda: False,
            "use_post_quant_conv": lambda: False,
            "scaling_factor": lambda: rng.choice([0.3, 1.0, 1.5]),
            "shift_factor": lambda: 0.1,
        },
    )
    sizes = {"layers_per_block": rng.randint(1, 3), "latent_channels": latent_channels, "norm_num_groups": groups}
    return vae_config(channels, **sizes, **fields)


def random_text(rng):
    """Text encoder fields."""
    heads = rng.randint(1, 4)
    fields = sometimes(rng, {"hidden_act": lambda: "gelu", "layer_norm_eps": lambda: 0.01})
    return text_config(heads * rng.randint(4, 8), rng.randint(2, 4), heads, rng.choice([8, 15, 77]), **fields)


def random_scheduler(rng):
    """Scheduler fields; each class is given only what it takes."""
    sampler = rng.choice([name for name, (cls, _) in SAMPLERS.items() if cls.endswith("Scheduler")])
    cls, takes = SAMPLERS[sampler]
    fields = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
    if rng.random() < 0.2:
        fields = {"beta_schedule": "linear"}
    fields |= sometimes(
        rng,
        {
            "prediction_type": lambda: "v_prediction",
            "timestep_spacing": lambda: rng.choice(["leading", "linspace", "trailing"]),
            "steps_offset": lambda: rng.choice([0, 1]),
        },
    )
    if sampler in ("ddim", "pndm"):
        fields["set_alpha_to_one"] = rng.random() < 0.5
    if sampler == "pndm":
        fields["skip_prk_steps"] = rng.random() < 0.5
    if takes == "SIGMAS" and sampler != "euler_a" and rng.random() < 0.5:
        fields[rng.choice(["use_karras_sigmas", "use_exponential_sigmas"])] = True
    return {"_class_name": cls, **fields}


def random_spec(rng, name):
    """A model of random shape."""
    latent_channels = rng.choice([4, 4, 4, 8, 16])
    text = random_text(rng)
    return Spec(
        name,
        random_unet(rng, text["hidden_size"], latent_channels),
        random_vae(rng, latent_channels),
        text,
        random_scheduler(rng),
        dtype=rng.choice(list(DTYPES)),
        merges=rng.randint(0, 100),
        shard_bytes=rng.choice([0, 0, 100_000]),
        sparse=rng.random() < 0.5,
        bare_text_names=rng.random() < 0.3,
    )


def least_side(spec):
    """Of a latent: without padding on the way down, a level needs two rows to make one of."""
    padded = spec.unet.get("downsample_padding", 1) > 0
    return 1 if padded else 2 ** (len(spec.unet["block_out_channels"]) - 1)


def random_pixels(plan, rng):
    """A picture's side: a multiple of 8, as the reference wants it."""
    least = -(-least_side(plan.spec) * plan.factor // 8)
    return 8 * rng.randint(least, max(6, least))


def add_random_unet_cases(plan, rng):
    """Latents of any size with any timestep."""
    channels = plan.spec.unet["in_channels"]
    least = least_side(plan.spec)
    for i in range(UNET_CASES):
        shape = rng.randint(1, 2), channels, rng.randint(least, 20), rng.randint(least, 20)
        sample = plan.draw(f"unet-{i}.sample", *shape)
        context = plan.draw(f"unet-{i}.context", shape[0], rng.randint(1, 20), plan.spec.text["hidden_size"])
        plan.add(f"unet-{i}", "unet", sample=sample, timestep=round(rng.uniform(0, 999), 2), context=context)


def add_random_request(plan, rng, name):
    """One generation with random settings."""
    settings = {
        "prompt": rng.choice(PROMPTS),
        "negative_prompt": rng.choice(["", NEGATIVE]),
        "seed": rng.randrange(2**64),
        "steps": rng.randint(4, 10),
        "cfg_scale": rng.choice([1, 0.5, 2.5, 7.5]),
        "width": random_pixels(plan, rng),
        "height": random_pixels(plan, rng),
        "clip_skip": rng.randrange(plan.spec.text["num_hidden_layers"]),
    }
    if rng.random() < 0.8:
        settings["sampler"] = rng.choice(list(SAMPLERS))
        settings["scheduler"] = rng.choice(schedules_of(settings["sampler"]))
    image = rng.random() < 0.35
    if image:
        settings["strength"] = round(rng.uniform(0.3, 1), 2)
    add_request(plan, name, image=image, **settings)


def random_plan(rng):
    """What makes the plan of a random model."""

    def make_plan(spec, tokenizer):
        plan = Plan(spec)
        add_text_cases(plan, tokenizer)
        add_random_unet_cases(plan, rng)
        add_vae_cases(plan)
        for i in range(REQUESTS):
            add_random_request(plan, rng, str(i))
        return plan

    return make_plan
