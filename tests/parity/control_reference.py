"""ControlNets, as a request names them, in diffusers' pipelines."""

import numpy
from diffusers import (
    MultiControlNetModel,
    StableDiffusionControlNetImg2ImgPipeline,
    StableDiffusionControlNetPipeline,
    StableDiffusionXLControlNetImg2ImgPipeline,
    StableDiffusionXLControlNetPipeline,
)

from PIL import Image

from control_files import read_controls
from mask_reference import to_picture


# By whether it is XL: what draws, what draws from a picture, and the argument that only some take.
PIPELINES = {
    False: (StableDiffusionControlNetPipeline, StableDiffusionControlNetImg2ImgPipeline, {"requires_safety_checker": False}),
    True: (StableDiffusionXLControlNetPipeline, StableDiffusionXLControlNetImg2ImgPipeline, {}),
}


def fitted(picture, how, size):
    """sd-webui-controlnet's arithmetic for a picture that is to cover a size, or to lie in it; with PIL for the pixels."""
    if how == "stretch":
        return picture  # the pipelines do it
    scale = (max if how == "crop" else min)(whole / part for whole, part in zip(size, picture.size))
    scaled = numpy.asarray(picture.resize([int(numpy.round(part * scale)) for part in picture.size], Image.Resampling.LANCZOS))
    (width, height), (rows, columns) = size, scaled.shape[:2]
    if how == "crop":
        top, left = (rows - height) // 2, (columns - width) // 2
        return Image.fromarray(scaled[top : top + height, left : left + width])
    edges = numpy.concatenate([scaled[0], scaled[-1], scaled[:, 0], scaled[:, -1]])
    whole = numpy.tile(numpy.median(edges, axis=0).astype(scaled.dtype), (height, width, 1))
    top, left = (height - rows) // 2, (width - columns) // 2
    whole[top : top + rows, left : left + columns] = scaled
    return Image.fromarray(whole)


class Controls:
    """The networks of a folder, for one pipeline."""

    def __init__(self, pipe):
        self.pipe = pipe
        self.nets = {}

    def open(self, folder):
        """What requests may name from now on: the networks of a folder, which may be absent."""
        self.nets = read_controls(folder)

    def residual(self, case, tensors):
        """One of what a network adds to the skips, or, behind these, to the middle."""
        count = len(tensors[case["sample"]])
        added = {"text_embeds": tensors[case["pooled"]], "time_ids": tensors[case["sizes"]]} if "pooled" in case else None
        down, middle = self.nets[case["model"]](
            tensors[case["sample"]],
            case["timestep"],
            encoder_hidden_states=tensors[case["context"]],
            controlnet_cond=tensors[case["picture"]].repeat(count, 1, 1, 1),
            added_cond_kwargs=added,
            return_dict=False,
        )
        return [*down, middle][case["residual"]]

    def applied(self, pipe, settings, request, tensors):
        """(pipeline, settings) that draw with what the request names."""
        asked = request.get("controls")
        if not asked:
            return pipe, settings
        size = request["width"], request["height"]
        pictures = [fitted(to_picture(tensors[c["image"]]), c.get("resize", "stretch"), size) for c in asked]
        nets = MultiControlNetModel([self.nets[control["model"]] for control in asked])
        draws, draws_over, arguments = PIPELINES[hasattr(pipe, "text_encoder_2")]
        controlled = (draws_over if "image" in settings else draws)(**pipe.components, controlnet=nets, **arguments)
        controlled.set_progress_bar_config(disable=True)
        key = "control_image" if "image" in settings else "image"
        settings = {
            **settings,
            key: pictures,
            "controlnet_conditioning_scale": [control["weight"] for control in asked],
            "control_guidance_start": [control["start"] for control in asked],
            "control_guidance_end": [control["end"] for control in asked],
        }
        settings.setdefault("width", request["width"])
        settings.setdefault("height", request["height"])
        settings.pop("guidance_rescale", None)
        return controlled, settings
