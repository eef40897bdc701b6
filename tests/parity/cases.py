"""What is asked of each small model: the cases, and the tensors that go in."""

import torch

from samplers import MODEL_SCHEDULE, SAMPLERS, schedules_of
from tiny_models import generator_for

# Whose text encoder is not the first of a model has its name in the case.
SECOND = "text_encoder_2"

PROMPTS = [
    "a painting of a red fox in the snow",
    "",
    "Portrait of a CAT with a hat, it's 3 o'clock!?  (detailed:1.2)",
    "ünïcödé \u732b caf\u00e9 \U0001f431 naïve",
    " ".join(["the quick brown fox jumps over the lazy dog"] * 12),
]
NEGATIVE = "ugly, blurry, low quality"


class Plan:
    """Collects the cases and input tensors of one model."""

    def __init__(self, spec):
        self.spec = spec
        self.cases = []
        self.tensors = {}
        self.factor = 2 ** (len(spec.vae["block_out_channels"]) - 1)

    def draw(self, label, *shape):
        """Adds a standard normal input tensor; returns its name."""
        self.tensors[label] = torch.randn(shape, generator=generator_for(self.spec.name, label))
        return label

    def add(self, name, kind, **fields):
        """Adds a case whose result is the tensor "<name>.out"."""
        self.cases.append({"name": name, "kind": kind, **fields, "out": f"{name}.out"})


def add_text_cases(plan, tokenizer):
    """Token ids, the encoder's output for each clip_skip, and each layer's keys."""
    for i, prompt in enumerate(PROMPTS):
        plan.add(f"tokens-{i}", "tokens", prompt=prompt)
    if plan.spec.text:
        add_encoder_cases(plan, tokenizer)
    if plan.spec.text_2:
        add_second_encoder_cases(plan, tokenizer)


def add_encoder_cases(plan, tokenizer):
    """Of the first text encoder."""
    for i in (0, 2, 4):
        settings = {"padding": "max_length", "max_length": tokenizer.model_max_length, "truncation": True}
        ids = tokenizer(PROMPTS[i], return_tensors="pt", **settings).input_ids
        plan.tensors[f"ids-{i}"] = ids.float()
    layers = plan.spec.text["num_hidden_layers"]
    for i in (0, 2, 4):
        plan.add(f"text-{i}", "text", ids=f"ids-{i}", clip_skip=0)
    for skip in range(1, layers):
        plan.add(f"text-skip-{skip}", "text", ids="ids-0", clip_skip=skip)
    for layer in range(layers):
        plan.add(f"text-keys-{layer}", "text_keys", ids="ids-2", layer=layer)


def add_second_encoder_cases(plan, tokenizer):
    """Of Stable Diffusion XL's second text encoder: hidden states, the pooled text, and each layer's keys."""
    layers, length = plan.spec.text_2["num_hidden_layers"], plan.spec.text_2["max_position_embeddings"]
    start, end = tokenizer.bos_token_id, tokenizer.eos_token_id
    for i, words in enumerate((3, length - 2)):
        ids = [start, *(5 + 7 * k % 500 for k in range(words)), end]
        plan.tensors[f"ids-second-{i}"] = torch.tensor([ids + [0] * (length - len(ids))]).float()
        plan.add(f"text-pooled-{i}", "text_pooled", ids=f"ids-second-{i}", encoder=SECOND)
        for skip in range(1, layers):
            plan.add(f"text-hidden-{i}-{skip}", "text_hidden", ids=f"ids-second-{i}", clip_skip=skip, encoder=SECOND)
    for layer in range(layers):
        plan.add(f"text-second-keys-{layer}", "text_keys", ids="ids-second-1", layer=layer, encoder=SECOND)


def context_size(spec):
    """(tokens, channels) of what the U-Net takes."""
    texts = [text for text in (spec.text, spec.text_2) if text]
    return texts[0]["max_position_embeddings"], sum(text["hidden_size"] for text in texts)


def conditions(plan, name, batch):
    """Fields of what a U-Net takes beside the timestep and the context."""
    unet, fields = plan.spec.unet, {}
    if "addition_embed_type" in unet:
        pooled = plan.spec.text_2["projection_dim"]
        sizes = (unet["projection_class_embeddings_input_dim"] - pooled) // unet["addition_time_embed_dim"]
        fields["pooled"] = plan.draw(f"{name}.pooled", batch, pooled)
        numbers = torch.randint(0, 1024, (batch, sizes), generator=generator_for(plan.spec.name, name, "sizes"))
        plan.tensors[f"{name}.sizes"] = numbers.float()
        fields["sizes"] = f"{name}.sizes"
    if "time_cond_proj_dim" in unet:
        fields["guidance"] = 7.5
    return fields


def add_unet_cases(plan):
    """A batch of two, a wide and a tall latent (odd at the coarser levels), and a fractional timestep."""
    channels = plan.spec.unet.get("in_channels", 4)
    tokens, text_channels = context_size(plan.spec)
    sizes = [(2, 16, 16, 981), (1, 9, 13, 437.25), (1, 14, 11, 1)]
    for batch, height, width, timestep in sizes:
        name = f"unet-{height}x{width}"
        sample = plan.draw(f"{name}.sample", batch, channels, height, width)
        context = plan.draw(f"{name}.context", batch, tokens, text_channels)
        given = conditions(plan, name, batch)
        plan.add(name, "unet", sample=sample, timestep=timestep, context=context, **given)


def add_vae_cases(plan):
    """Both ways at two sizes, and the keys of the two attention layers where there are any."""
    channels = plan.spec.vae.get("latent_channels", 4)
    for height, width in [(6, 6), (3, 5)]:
        size = f"{height}x{width}"
        latent = plan.draw(f"latent-{size}", 1, channels, height, width)
        image = plan.draw(f"image-{size}", 1, 3, height * plan.factor, width * plan.factor)
        plan.add(f"vae-decode-{size}", "vae_decode", latent=latent)
        plan.add(f"vae-encode-{size}", "vae_encode", image=image)
    if plan.spec.vae.get("mid_block_add_attention", True):
        plan.add("vae-keys-decoder", "vae_keys", part="decoder", latent="latent-6x6")
        plan.add("vae-keys-encoder", "vae_keys", part="encoder", image="image-6x6")


def init_image(label, height, width):
    """A picture with broad colours and a little grain: 8-bit values, [height, width, 3]."""
    generator = generator_for(label, height, width)
    broad = torch.randn((1, 3, 3, 3), generator=generator)
    smooth = torch.nn.functional.interpolate(broad, size=(height, width), mode="bilinear")[0].permute(1, 2, 0)
    grain = torch.randn((height, width, 3), generator=generator)
    return (128 + 60 * smooth + 12 * grain).round().clamp(0, 255)


def add_request(plan, name, picture=True, image=False, **settings):
    """One whole generation: its final latent and, unless picture is false, its picture."""
    request = {"prompt": PROMPTS[0], "negative_prompt": NEGATIVE, "seed": 7, "steps": 6, "cfg_scale": 7.5}
    request.update(base_size(plan.factor), **settings)
    fields = {"request": request}
    if image:
        fields["init_image"] = f"init-{request['height']}x{request['width']}"
        plan.tensors[fields["init_image"]] = init_image(plan.spec.name, request["height"], request["width"])
    plan.add(f"latent-{name}", "latent", **fields)
    if picture:
        plan.add(f"picture-{name}", "picture", **fields)


def add_xl_request_cases(plan):
    """Stable Diffusion XL: what the two tokenizers read otherwise, an empty negative prompt, clip_skip, sizes."""
    unit = base_size(plan.factor)["width"]
    layers = min(text["num_hidden_layers"] for text in (plan.spec.text, plan.spec.text_2))
    add_request(plan, "own")
    add_request(plan, "own-no-guidance", cfg_scale=1, steps=5)
    add_request(plan, "own-marks", prompt=PROMPTS[2], negative_prompt="no! never!", steps=5)
    add_request(plan, "own-empty-negative", negative_prompt="", steps=5)
    add_request(plan, "own-empty", prompt="", negative_prompt="", seed=0, picture=False)
    add_request(plan, "own-wide", width=2 * unit, height=unit + 8, seed=2**32 - 1)
    add_request(plan, "own-long", prompt=PROMPTS[4], steps=5, picture=False)
    for skip in range(1, layers - 1):
        add_request(plan, f"own-clip-skip-{skip}", clip_skip=skip, steps=5, picture=False)
    add_request(plan, "own-from-image", image=True, strength=0.6, steps=8)
    add_request(plan, "own-interval", picture=False, guidance_start=0.3, guidance_end=0.7)
    add_request(plan, "own-deepcache", picture=False, deepcache_interval=2)
    for sampler in ("dpmpp_2m", "euler_a", "unipc"):
        add_request(plan, f"{sampler}-karras", sampler=sampler, scheduler="karras", steps=6)
    add_request(plan, "euler-align-your-steps", sampler="euler", scheduler="align_your_steps", steps=7)


def add_refiner_request_cases(plan):
    """Its refiner, which begins with a picture."""
    for name, settings in {"own": {}, "empty-negative": {"negative_prompt": ""}, "strong": {"strength": 1.0}}.items():
        add_request(plan, f"{name}-from-image", image=True, **{"strength": 0.4, "steps": 8, **settings})
    wide = {"width": 2 * base_size(plan.factor)["width"]}
    add_request(plan, "wide-from-image", image=True, strength=0.5, steps=8, **wide)


def add_lcm_request_cases(plan):
    """A few steps at different guidance scales, which cost nothing."""
    for scale in (1, 4, 8.5):
        add_request(plan, f"own-{scale}", cfg_scale=scale, negative_prompt="", steps=4)
    add_request(plan, "own-from-image", image=True, strength=0.6, steps=5, negative_prompt="")


def add_inpaint_request_cases(plan):
    """What is asked of a model that inpaints without a mask: all is drawn anew."""
    add_request(plan, "own")
    add_request(plan, "own-no-guidance", cfg_scale=1, steps=5, picture=False)
    add_request(plan, "own-wide", width=2 * base_size(plan.factor)["width"], seed=2**32 - 1, sampler="euler")
    add_request(plan, "own-from-image", image=True, strength=0.6, steps=8)
    add_request(plan, "own-from-image-strong", image=True, strength=1.0, picture=False)


def add_edit_request_cases(plan):
    """Pictures edited with and without guidance by the picture, by the prompt, and by neither."""
    wide = {"width": 2 * base_size(plan.factor)["width"], "seed": 2**32 - 1}
    add_request(plan, "own", image=True)
    add_request(plan, "own-near", image=True, image_guidance_scale=2.2)
    add_request(plan, "own-1", image=True, image_guidance_scale=1)
    add_request(plan, "own-weak", image=True, image_guidance_scale=0.7, steps=5, picture=False)
    add_request(plan, "own-no-guidance", image=True, cfg_scale=1, steps=5, picture=False)
    add_request(plan, "own-deepcache", image=True, deepcache_interval=2, picture=False)
    add_request(plan, "own-wide", image=True, sampler="euler", **wide)
    add_request(plan, "euler_a-karras", image=True, sampler="euler_a", scheduler="karras", image_guidance_scale=1.2)


REQUESTS = {
    "StableDiffusionInstructPix2PixPipeline": add_edit_request_cases,
    "StableDiffusionXLInstructPix2PixPipeline": add_edit_request_cases,
    "StableDiffusionInpaintPipeline": add_inpaint_request_cases,
    "StableDiffusionXLInpaintPipeline": add_inpaint_request_cases,
    "StableDiffusionXLPipeline": add_xl_request_cases,
    "StableDiffusionXLImg2ImgPipeline": add_refiner_request_cases,
    "LatentConsistencyModelPipeline": add_lcm_request_cases,
}


def base_size(factor):
    """A small size in pixels; the reference takes multiples of 8 only.  Not so small that a single value on the edge
    between two levels is more of a picture than the tolerance allows: 24 x 24 x 3 has 1728."""
    unit = max(24, 4 * factor)
    return {"width": unit, "height": unit}


def add_request_cases(plan):
    """The model's own sampler: guidance on and off, prompts, seeds, clip_skip, non-square sizes."""
    unit = base_size(plan.factor)["width"]
    add_request(plan, "own")
    add_request(plan, "own-no-guidance", cfg_scale=1, steps=5)
    add_request(plan, "own-weak-guidance", cfg_scale=0.5, steps=5, picture=False)
    add_request(plan, "own-wide", width=2 * unit, height=unit + 8, seed=2**32 - 1)
    add_request(plan, "own-empty", prompt="", negative_prompt="", seed=0, picture=False)
    add_request(plan, "own-long", prompt=PROMPTS[4], steps=5, picture=False)
    add_request(plan, "own-big-seed", seed=2**64 - 1, steps=5, picture=False)
    for skip in range(1, plan.spec.text["num_hidden_layers"]):
        add_request(plan, f"own-clip-skip-{skip}", clip_skip=skip, steps=5, picture=False)
    add_request(plan, "own-from-image", image=True, strength=0.6, steps=8)


PICTURED = "euler"  # the sampler of the pictures in every schedule


def add_sampler_cases(plan, all_schedules):
    """A picture by every sampler and one in every schedule; every sampler from an image at two strengths; with
    all_schedules, the latents of all pairs."""
    for i, sampler in enumerate(SAMPLERS):
        for scheduler in schedules_of(sampler):
            picture = scheduler == MODEL_SCHEDULE or sampler == PICTURED
            chosen = {"sampler": sampler, "scheduler": scheduler}
            if picture or all_schedules:
                add_request(plan, f"{sampler}-{scheduler}", picture=picture, steps=5 + i % 4, seed=11 + i, **chosen)
        for strength in (0.4, 1.0):
            settings = {"sampler": sampler, "scheduler": "model", "strength": strength, "steps": 8, "cfg_scale": 3}
            add_request(plan, f"{sampler}-image-{strength}", image=True, picture=False, **settings)


def plan_cases(spec, tokenizer):
    """All cases of a small model."""
    plan = Plan(spec)
    add_text_cases(plan, tokenizer)
    add_unet_cases(plan)
    add_vae_cases(plan)
    REQUESTS.get(spec.pipeline, add_request_cases)(plan)
    if spec.samplers:
        add_sampler_cases(plan, spec.samplers == "all")
    return plan
