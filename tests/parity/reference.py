"""Runs a case with the reference libraries, in f32 on one thread."""

import contextlib
import copy
import json
import warnings
from pathlib import Path

import diffusers
import numpy
import torch
import transformers
from diffusers import (
    DiffusionPipeline,
    LatentConsistencyModelPipeline,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionInpaintPipeline,
    StableDiffusionInstructPix2PixPipeline,
    StableDiffusionPipeline,
    StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLInpaintPipeline,
    StableDiffusionXLInstructPix2PixPipeline,
    StableDiffusionXLPipeline,
)
from PIL import Image

from approximations import Approximations
from control_reference import Controls
from lora_reference import Adapters
from mask_reference import MaskReference, prepare_mask, to_picture
from prompt_reference import PromptReference
from prompt_reference_xl import PromptReferenceXL
from samplers import MODEL_SCHEDULE, make_scheduler, noise_fields
from sigma_lists import Table
from variation_reference import start_noise


def prepare_libraries():
    """Same machine, same bytes; and no chatter."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    warnings.simplefilter("ignore")
    for logging in (diffusers.utils.logging, transformers.utils.logging):
        logging.set_verbosity_error()
        logging.disable_progress_bar()


# By the class of a model: what draws from a picture; and the arguments that only some take when they are made.
FROM_IMAGE = {
    StableDiffusionPipeline: (StableDiffusionImg2ImgPipeline, {"requires_safety_checker": False}),
    LatentConsistencyModelPipeline: (StableDiffusionImg2ImgPipeline, {"requires_safety_checker": False}),
    StableDiffusionInpaintPipeline: (StableDiffusionInpaintPipeline, {"requires_safety_checker": False}),
    StableDiffusionInstructPix2PixPipeline: (StableDiffusionInstructPix2PixPipeline, {"requires_safety_checker": False}),
    StableDiffusionXLInpaintPipeline: (StableDiffusionXLInpaintPipeline, {}),
    StableDiffusionXLInstructPix2PixPipeline: (StableDiffusionXLInstructPix2PixPipeline, {"is_cosxl_edit": True}),
    StableDiffusionXLPipeline: (StableDiffusionXLImg2ImgPipeline, {}),
    StableDiffusionXLImg2ImgPipeline: (
        StableDiffusionXLImg2ImgPipeline,
        {"requires_aesthetics_score": True, "force_zeros_for_empty_prompt": False},
    ),
}


class Reference:
    """A model folder opened with diffusers and transformers; weights are cast to f32, which is exact."""

    def __init__(self, folder, embeddings=None, vae=None):
        other = {"vae": vae} if vae else {}
        self.pipe = DiffusionPipeline.from_pretrained(folder, torch_dtype=torch.float32, **other)
        self.pipe.set_progress_bar_config(disable=True)
        self.is_xl = hasattr(self.pipe, "text_encoder_2")
        Table.is_xl = self.is_xl
        cls, settings = FROM_IMAGE[type(self.pipe)]
        self.from_image = cls(**self.pipe.components, **settings)
        self.from_image.set_progress_bar_config(disable=True)
        self.inpaints = type(self.pipe) in (StableDiffusionInpaintPipeline, StableDiffusionXLInpaintPipeline)
        self.edits = cls in (StableDiffusionInstructPix2PixPipeline, StableDiffusionXLInstructPix2PixPipeline)
        if self.inpaints:
            self.inpaint = self.from_image
        elif not self.is_xl and not self.edits:
            self.inpaint = StableDiffusionInpaintPipeline(**self.pipe.components, requires_safety_checker=False)
            self.inpaint.set_progress_bar_config(disable=True)
        self.own_scheduler = self.pipe.scheduler
        # The pipelines reach the final layer norm of clip_skip through this name of older transformers; set past
        # torch's bookkeeping, so that the module does not become its own child.
        if not self.is_xl:
            object.__setattr__(self.pipe.text_encoder, "text_model", self.pipe.text_encoder)
        self.prompts = None
        if self.pipe.text_encoder:
            self.prompts = (PromptReferenceXL if self.is_xl else PromptReference)(self.pipe, embeddings or {})
        self.masks = MaskReference(self.pipe, self.prompts)
        for name, vectors in (embeddings or {}).items():
            for number, values in enumerate(vectors):
                suffix = f"_{number + 1}" if number else ""
                self.pipe.load_textual_inversion({name: values}, token=name, text_encoder=getattr(self.pipe, f"text_encoder{suffix}"),
                                                 tokenizer=getattr(self.pipe, f"tokenizer{suffix}"))
        self.adapters = Adapters(self.pipe, Path())
        self.controls = Controls(self.pipe)
        self.generated = {}

    def open_loras(self, folder):
        """What requests may name from now on: the adapters of a folder, which may be absent."""
        self.adapters = Adapters(self.pipe, folder)

    @torch.no_grad()
    def run(self, case, tensors):
        """The result of one case, f32."""
        return getattr(self, f"run_{case['kind']}")(case, tensors).float().contiguous()

    def run_tokens(self, case, _tensors):
        """Token ids [1, T] of a prompt, padded and cut to the tokenizer's length."""
        tokenizer = self.pipe.tokenizer or self.pipe.tokenizer_2
        settings = {"padding": "max_length", "max_length": tokenizer.model_max_length, "truncation": True}
        return tokenizer(case["prompt"], return_tensors="pt", **settings).input_ids

    def run_text(self, case, tensors):
        """Context [N, T, C] of token ids, with the last clip_skip layers left out."""
        encoder = self.pipe.text_encoder
        hidden = encoder(tensors[case["ids"]].long(), output_hidden_states=True).hidden_states
        return encoder.final_layer_norm(hidden[-(case["clip_skip"] + 1)])

    def run_text_keys(self, case, tensors):
        """Output [N, T, C] of one layer's key projection."""
        encoder = getattr(self.pipe, case.get("encoder", "text_encoder"))
        projection = getattr(encoder, "text_model", encoder).encoder.layers[case["layer"]].self_attn.k_proj
        return captured(projection, lambda: encoder(tensors[case["ids"]].long()))

    def run_text_hidden(self, case, tensors):
        """What is left [N, T, C] when the last clip_skip layers are left out, not normed."""
        encoder = getattr(self.pipe, case["encoder"])
        hidden = encoder(tensors[case["ids"]].long(), output_hidden_states=True).hidden_states
        return hidden[-(case["clip_skip"] + 1)]

    def run_text_pooled(self, case, tensors):
        """Pooled text [N, 1, P]."""
        return getattr(self.pipe, case["encoder"])(tensors[case["ids"]].long()).text_embeds.unsqueeze(1)

    def run_unet(self, case, tensors):
        """The U-Net's prediction [N, C, H, W]."""
        given = {"encoder_hidden_states": tensors[case["context"]]}
        if "pooled" in case:
            given["added_cond_kwargs"] = {"text_embeds": tensors[case["pooled"]], "time_ids": tensors[case["sizes"]]}
        if "guidance" in case:
            scale = torch.tensor(case["guidance"] - 1).repeat(len(tensors[case["sample"]]))
            width = self.pipe.unet.config.time_cond_proj_dim
            given["timestep_cond"] = self.pipe.get_guidance_scale_embedding(scale, embedding_dim=width)
        return self.pipe.unet(tensors[case["sample"]], case["timestep"], **given).sample

    def run_control(self, case, tensors):
        """One residual [N, C, H, W] of a ControlNet; the middle's is the last."""
        return self.controls.residual(case, tensors)

    def run_vae_decode(self, case, tensors):
        """Image [N, 3, H, W] of a latent that is already divided by the scaling factor."""
        return self.pipe.vae.decode(tensors[case["latent"]]).sample

    def run_vae_encode(self, case, tensors):
        """Mean and logarithm of the variance [N, 2 C, H, W] of an image's latent; of a tiny autoencoder the latent."""
        encoded = self.pipe.vae.encode(tensors[case["image"]])
        return encoded.latent_dist.parameters if hasattr(encoded, "latent_dist") else encoded.latents

    def run_vae_keys(self, case, tensors):
        """Output [N, H W, C] of the key projection in the middle of the decoder or the encoder."""
        vae = self.pipe.vae
        projection = getattr(vae, case["part"]).mid_block.attentions[0].to_k
        if case["part"] == "decoder":
            return captured(projection, lambda: vae.decode(tensors[case["latent"]]))
        return captured(projection, lambda: vae.encode(tensors[case["image"]]))

    def run_latent(self, case, tensors):
        """The pipeline's last latent [1, C, H, W]."""
        return self.generate(case, tensors)[0]

    def run_picture(self, case, tensors):
        """The pipeline's 8-bit picture [H, W, 3]."""
        return self.generate(case, tensors)[1]

    def generate(self, case, tensors):
        """(last latent, picture) of a request; kept, because two cases ask for each."""
        key = json.dumps([case["request"], case.get("init_image"), case.get("mask")], sort_keys=True)
        if key not in self.generated:
            self.generated[key] = self.draw(case, tensors)
        return self.generated[key]

    @contextlib.contextmanager
    def tiled(self, wanted):
        """While this lasts, all convolutions wrap around, as AUTOMATIC1111 makes them do, if that is wanted."""
        networks = (self.pipe.unet, self.pipe.vae)
        layers = [m for network in networks for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
        for layer in layers:
            layer.padding_mode = "circular" if wanted else "zeros"
        try:
            yield
        finally:
            for layer in layers:
                layer.padding_mode = "zeros"

    def draw(self, case, tensors):
        """(last latent, picture) of a request, tiling or not."""
        with self.tiled(case["request"].get("tiling", False)):
            return self.draw_once(case, tensors)

    def draw_twice(self, case, tensors):
        """(last latent, picture) of a request with a second pass over the first one's, made larger."""
        request = dict(case["request"])
        scale, upscaler, steps = (request.pop(name, None) for name in ("hr_scale", "hr_upscaler", "hr_steps"))
        strength, factor = request.pop("strength"), self.pipe.vae_scale_factor
        latent, picture = self.draw_once({**case, "request": request}, tensors)
        size = [int(request[side] * scale) // factor * factor for side in ("width", "height")]
        request |= {"width": size[0], "height": size[1], "steps": steps or request["steps"], "strength": strength}
        if upscaler == "lanczos":
            start = to_picture(picture).resize(size, Image.Resampling.LANCZOS)
        else:
            mode = {"latent": "bilinear", "latent_nearest": "nearest"}[upscaler]
            start = torch.nn.functional.interpolate(latent, [side // factor for side in reversed(size)], mode=mode)
        if request.get("profile") == "a1111":
            return self.masks.draw(request, case["reads"], start, None)
        return self.run_pipeline(request, start, None)

    def draw_once(self, case, tensors):
        """(last latent, picture) of a request, in its profile."""
        if "hr_scale" in case["request"]:
            return self.draw_twice(case, tensors)
        image, mask = (to_picture(tensors[case[key]]) if key in case else None for key in ("init_image", "mask"))
        if case["request"].get("profile") != "a1111":
            return self.run_pipeline(case["request"], image, mask, tensors)
        if image is None:
            return self.prompts.draw(case["request"], case["reads"])
        return self.masks.draw(case["request"], case["reads"], image, mask)

    def negative(self, request):
        """The negative prompt, for a pipeline that takes one; an empty one is none to Stable Diffusion XL."""
        if isinstance(self.pipe, LatentConsistencyModelPipeline):
            return {}
        return {"negative_prompt": (request["negative_prompt"] or None) if self.is_xl else request["negative_prompt"]}

    def run_pipeline(self, request, image, mask, tensors=None):
        """Runs the text, image or inpainting pipeline once and looks at the latent of its last step."""
        last = {}
        if self.inpaints and mask is None:
            # All is drawn anew: of the picture, or of a grey one, of which nothing is left.
            size = request["width"], request["height"]
            image, mask = image or Image.new("RGB", size, (128, 128, 128)), Image.new("L", size, 255)
            request = {"strength": 1.0, **request}

        def look(_pipe, _step, _timestep, values):
            last["latent"] = values["latents"].clone()
            return values

        settings = {
            "prompt": request["prompt"],
            **self.negative(request),
            "num_inference_steps": request["steps"],
            "guidance_scale": request["cfg_scale"],
            **({"guidance_rescale": request["cfg_rescale"]} if "cfg_rescale" in request else {}),
            "clip_skip": request.get("clip_skip") or None,
            "generator": torch.Generator("cpu").manual_seed(request["seed"]),
            "callback_on_step_end": look,
        }
        pipe = self.pipe if image is None else self.from_image if mask is None else self.inpaint
        if image is None or mask is not None:
            settings |= {"width": request["width"], "height": request["height"]}
        if image is None:
            # What the pipeline would draw itself, where the request asks for no other.
            shape = (1, pipe.unet.config.in_channels, *(request[side] // pipe.vae_scale_factor for side in ("height", "width")))
            settings["latents"] = start_noise(request, shape, settings["generator"], pipe.vae_scale_factor)
        if self.edits:
            # Its pipeline begins with noise alone, and knows no clip_skip.
            del settings["clip_skip"]
            settings |= {"image": image, "image_guidance_scale": request.get("image_guidance_scale", 1.5)}
            if self.is_xl:
                # Of another size than its own, and of the older way to look at the steps.
                del settings["callback_on_step_end"]
                settings |= {"width": request["width"], "height": request["height"],
                             "callback": lambda step, timestep, latents: last.update(latent=latents.clone())}
        elif image is not None:
            settings |= {"image": image, "strength": request["strength"]}
        if mask is not None:
            settings |= {"mask_image": prepare_mask(mask, request)}
        if request.get("inpaint_full_res"):
            settings |= {"padding_mask_crop": request.get("inpaint_full_res_padding", 0)}
        chosen = request.get("sampler"), request.get("scheduler", "model"), request.get("eta")
        # The pipelines' own eta is 0, in TCD too.
        if "eta" in request or chosen[0] == "tcd":
            settings["eta"] = request.get("eta", 0.3)
        own = chosen == (None, MODEL_SCHEDULE, None)
        noise = noise_fields(request)
        pipe.scheduler = copy.deepcopy(self.own_scheduler) if own else make_scheduler(self.own_scheduler.config, *chosen, **noise)
        if hasattr(pipe.scheduler, "generator"):
            pipe.scheduler.generator = settings["generator"]
        if "strength" in settings and hasattr(pipe.scheduler, "start_at"):
            pipe.scheduler.start_at(request["steps"] - min(int(request["steps"] * request["strength"]), request["steps"]))
        pipe, settings = self.controls.applied(pipe, settings, request, tensors)
        with self.adapters.applied(request), Approximations(pipe, request).applied():
            picture = pipe(**settings).images[0]
        return last["latent"], torch.from_numpy(numpy.array(picture)).float()


def captured(module, run):
    """What module puts out while run() runs."""
    seen = []
    hook = module.register_forward_hook(lambda _module, _inputs, output: seen.append(output.clone()))
    try:
        run()
    finally:
        hook.remove()
    return seen[-1]
