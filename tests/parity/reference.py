"""Runs a case with the reference libraries, in f32 on one thread."""

import copy
import json
import warnings
from pathlib import Path

import diffusers
import numpy
import torch
import transformers
from diffusers import StableDiffusionImg2ImgPipeline, StableDiffusionPipeline
from PIL import Image

from approximations import Approximations
from lora_reference import Adapters
from prompt_reference import PromptReference
from samplers import MODEL_SCHEDULE, make_scheduler


def prepare_libraries():
    """Same machine, same bytes; and no chatter."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    warnings.simplefilter("ignore")
    for logging in (diffusers.utils.logging, transformers.utils.logging):
        logging.set_verbosity_error()
        logging.disable_progress_bar()


class Reference:
    """A model folder opened with diffusers and transformers; weights are cast to f32, which is exact."""

    def __init__(self, folder, embeddings=None):
        self.pipe = StableDiffusionPipeline.from_pretrained(folder, torch_dtype=torch.float32, safety_checker=None)
        self.pipe.set_progress_bar_config(disable=True)
        self.from_image = StableDiffusionImg2ImgPipeline(**self.pipe.components, requires_safety_checker=False)
        self.from_image.set_progress_bar_config(disable=True)
        self.own_scheduler = self.pipe.scheduler
        # The pipelines reach the final layer norm of clip_skip through this name of older transformers; set past
        # torch's bookkeeping, so that the module does not become its own child.
        object.__setattr__(self.pipe.text_encoder, "text_model", self.pipe.text_encoder)
        self.prompts = PromptReference(self.pipe, embeddings or {})
        for name, vectors in (embeddings or {}).items():
            self.pipe.load_textual_inversion({name: vectors}, token=name)
        self.adapters = Adapters(self.pipe, Path())
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
        tokenizer = self.pipe.tokenizer
        settings = {"padding": "max_length", "max_length": tokenizer.model_max_length, "truncation": True}
        return tokenizer(case["prompt"], return_tensors="pt", **settings).input_ids

    def run_text(self, case, tensors):
        """Context [N, T, C] of token ids, with the last clip_skip layers left out."""
        encoder = self.pipe.text_encoder
        hidden = encoder(tensors[case["ids"]].long(), output_hidden_states=True).hidden_states
        return encoder.final_layer_norm(hidden[-(case["clip_skip"] + 1)])

    def run_text_keys(self, case, tensors):
        """Output [N, T, C] of one layer's key projection."""
        encoder = self.pipe.text_encoder
        projection = encoder.encoder.layers[case["layer"]].self_attn.k_proj
        return captured(projection, lambda: encoder(tensors[case["ids"]].long()))

    def run_unet(self, case, tensors):
        """The U-Net's prediction [N, C, H, W]."""
        context = tensors[case["context"]]
        return self.pipe.unet(tensors[case["sample"]], case["timestep"], encoder_hidden_states=context).sample

    def run_vae_decode(self, case, tensors):
        """Image [N, 3, H, W] of a latent that is already divided by the scaling factor."""
        return self.pipe.vae.decode(tensors[case["latent"]]).sample

    def run_vae_encode(self, case, tensors):
        """Mean and logarithm of the variance [N, 2 C, H, W] of an image's latent."""
        return self.pipe.vae.encode(tensors[case["image"]]).latent_dist.parameters

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
        key = json.dumps([case["request"], case.get("init_image")], sort_keys=True)
        if key not in self.generated:
            self.generated[key] = self.draw(case, tensors)
        return self.generated[key]

    def draw(self, case, tensors):
        """(last latent, picture) of a request, in its profile."""
        if case["request"].get("profile") == "a1111":
            return self.prompts.draw(case["request"], case["reads"])
        return self.run_pipeline(case["request"], tensors[case["init_image"]] if "init_image" in case else None)

    def run_pipeline(self, request, image):
        """Runs the text or image pipeline once and looks at the latent of its last step."""
        last = {}

        def look(_pipe, _step, _timestep, values):
            last["latent"] = values["latents"].clone()
            return values

        settings = {
            "prompt": request["prompt"],
            "negative_prompt": request["negative_prompt"],
            "num_inference_steps": request["steps"],
            "guidance_scale": request["cfg_scale"],
            **({"guidance_rescale": request["cfg_rescale"]} if "cfg_rescale" in request else {}),
            "clip_skip": request.get("clip_skip") or None,
            "generator": torch.Generator("cpu").manual_seed(request["seed"]),
            "callback_on_step_end": look,
        }
        pipe = self.pipe
        if image is None:
            settings |= {"width": request["width"], "height": request["height"]}
        else:
            pipe = self.from_image
            settings |= {"image": Image.fromarray(image.numpy().astype(numpy.uint8)), "strength": request["strength"]}
        chosen = request.get("sampler"), request.get("scheduler", "model")
        own = chosen == (None, MODEL_SCHEDULE)
        pipe.scheduler = copy.deepcopy(self.own_scheduler) if own else make_scheduler(self.own_scheduler.config, *chosen)
        if image is not None and hasattr(pipe.scheduler, "start_at"):
            pipe.scheduler.start_at(request["steps"] - min(int(request["steps"] * request["strength"]), request["steps"]))
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
