"""Small models with generated weights: what they are (Spec), and how a diffusers folder is made from one."""

import hashlib
import inspect
import json
import math
from dataclasses import dataclass
from pathlib import Path

import diffusers
import safetensors.torch
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from tiny_tokenizer import write_tokenizer

DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}
KEY_PROJECTIONS = ("to_k", "k_proj")
QUERY_PROJECTIONS = ("to_q", "q_proj")
SELF_ATTENTION = ".attn1."


@dataclass
class Spec:
    """One small model.  The dictionaries hold config.json fields; what they leave out is the class's default."""

    name: str
    unet: dict
    vae: dict
    text: dict  # None: there is the second text encoder alone
    scheduler: dict
    text_2: dict = None  # of Stable Diffusion XL
    pipeline: str = "StableDiffusionPipeline"
    cosxl: bool = False  # shown the latent of the picture that it edits as scaled as its own
    dtype: str = "f32"
    merges: int = 60
    shard_bytes: int = 0  # U-Net weight files of at most so many bytes, with an index; 0: one file
    sparse: bool = False  # config.json files leave out every field that has its default, as old ones do
    bare_text_names: bool = False  # text encoder tensors without the "text_model." prefix
    single_file: bool = False  # the engine reads model/single.safetensors, all in one
    gguf: bool = False  # the engine reads model/single.gguf, and the folder says what its numbers stand for
    draw: int = 0  # another number draws other weights
    samplers: str = ""  # "once": a picture by every sampler, and in every schedule; "all": latents by all in all, too


def number_from(*labels):
    """A 63-bit number that depends on the labels alone."""
    digest = hashlib.sha256("/".join(map(str, labels)).encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def generator_for(*labels):
    """A random generator whose stream depends on the labels alone."""
    return torch.Generator("cpu").manual_seed(number_from(*labels))


def is_norm(module):
    """True for the layers whose weight multiplies a normalised value."""
    return isinstance(module, (torch.nn.GroupNorm, torch.nn.LayerNorm))


def draw_parameter(module, module_name, kind, shape, generator):
    """One tensor, scaled so that activations stay of order 1 and attention logits between 1 and 2."""
    noise = torch.randn(shape, generator=generator)
    if is_norm(module) and kind == "weight":
        return 1 + 0.3 * noise
    if kind == "bias":
        return 0.5 * noise
    if isinstance(module, torch.nn.Embedding):
        return 0.8 * noise
    weight = noise / math.sqrt(math.prod(shape[1:]))
    if module_name.endswith(KEY_PROJECTIONS + QUERY_PROJECTIONS):
        return 1.5 * weight if SELF_ATTENTION in module_name else 1.25 * weight
    if SELF_ATTENTION in module_name and module_name.endswith("to_out.0"):
        return 2 * weight  # an average over many tokens is small
    if module_name.endswith("conv_shortcut"):
        # In an up block the first inputs come from below and the last ones from the skip; with equal weights the
        # coarsest levels would hardly be heard in the output.
        return weight * torch.linspace(1.7, 0.3, shape[1]).reshape(1, -1, 1, 1)
    return weight


def fill(model, label):
    """Overwrites every parameter; each one's values depend on label and its name alone."""
    with torch.no_grad():
        for module_name, module in model.named_modules():
            for kind, parameter in module.named_parameters(recurse=False):
                generator = generator_for(label, module_name, kind)
                parameter.copy_(draw_parameter(module, module_name, kind, parameter.shape, generator))
    return model.eval()


def drop_defaults(path, defaults):
    """Takes out of a config.json each field that has its default."""
    config = json.loads(path.read_text())
    kept = {key: value for key, value in config.items() if key not in defaults or defaults[key] != value}
    path.write_text(json.dumps(kept, indent=2) + "\n")


def listed(value):
    """Tuples as JSON gives them back."""
    return list(value) if isinstance(value, tuple) else value


def class_defaults(cls):
    """The defaults of a diffusers model class."""
    parameters = inspect.signature(cls.__init__).parameters.values()
    return {p.name: listed(p.default) for p in parameters if p.default is not p.empty}


def write_network(spec, part, cls, config, folder):
    """Writes unet/ or vae/."""
    model = fill(cls(**config), f"{spec.name}/{spec.draw}/{part}").to(DTYPES[spec.dtype])
    shard = {"max_shard_size": spec.shard_bytes} if spec.shard_bytes and part == "unet" else {}
    model.save_pretrained(folder / part, **shard)
    if spec.sparse:
        drop_defaults(folder / part / "config.json", class_defaults(cls))


def write_text_encoder(spec, part, fields, vocabulary_size, folder):
    """Writes text_encoder/ or text_encoder_2/, with the tensor names that released models have."""
    cls = CLIPTextModelWithProjection if part == "text_encoder_2" else CLIPTextModel
    marks = {"bos_token_id": vocabulary_size - 2, "eos_token_id": vocabulary_size - 1, "pad_token_id": 1}
    config = CLIPTextConfig(vocab_size=vocabulary_size, **marks, **fields)
    model = fill(cls(config), f"{spec.name}/{spec.draw}/{part}").to(DTYPES[spec.dtype])
    model.save_pretrained(folder / part)
    if not spec.bare_text_names and cls is CLIPTextModel:
        tensors = {f"text_model.{name}": tensor for name, tensor in model.state_dict().items()}
        safetensors.torch.save_file(tensors, folder / part / "model.safetensors", {"format": "pt"})
    if spec.sparse:
        drop_defaults(folder / part / "config.json", CLIPTextConfig().to_dict())


def write_texts(spec, folder):
    """Writes the tokenizers and the text encoders."""
    for i, fields in enumerate((spec.text, spec.text_2)):
        if fields:
            last = "_2" if i else ""
            pad = {"pad": "!"} if i else {}
            size = write_tokenizer(folder / f"tokenizer{last}", spec.merges, fields["max_position_embeddings"], **pad)
            write_text_encoder(spec, f"text_encoder{last}", fields, size, folder)


def index_texts(spec):
    """What model_index.json says of them."""
    parts = {"text_encoder": CLIPTextModel, "text_encoder_2": CLIPTextModelWithProjection}
    index = {}
    for (part, cls), fields in zip(parts.items(), (spec.text, spec.text_2)):
        if fields or spec.text_2:
            index[part] = ["transformers", cls.__name__] if fields else [None, None]
            index[part.replace("text_encoder", "tokenizer")] = (
                ["transformers", "CLIPTokenizer"] if fields else [None, None]
            )
    return index


def index_rest(spec):
    """The fields of model_index.json that are one pipeline's alone."""
    if spec.text_2 is None:
        return {"requires_safety_checker": False, "safety_checker": [None, None]}
    if spec.text is None:
        return {"requires_aesthetics_score": True, "force_zeros_for_empty_prompt": False, "image_encoder": [None, None]}
    return {"force_zeros_for_empty_prompt": True, "image_encoder": [None, None], **({"is_cosxl_edit": True} if spec.cosxl else {})}


def write_index(spec, folder):
    """Writes model_index.json and the scheduler's config, with no field that spec does not name."""
    index = {
        "_class_name": spec.pipeline,
        "_diffusers_version": diffusers.__version__,
        "feature_extractor": [None, None],
        **index_rest(spec),
        "scheduler": ["diffusers", spec.scheduler["_class_name"]],
        **index_texts(spec),
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    }
    (folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")
    (folder / "scheduler").mkdir()
    text = json.dumps({**spec.scheduler, "_diffusers_version": diffusers.__version__}, indent=2) + "\n"
    (folder / "scheduler" / "scheduler_config.json").write_text(text)


def write_model(spec, folder):
    """Writes the whole diffusers folder of spec."""
    folder = Path(folder)
    folder.mkdir(parents=True)
    write_texts(spec, folder)
    write_network(spec, "unet", UNet2DConditionModel, spec.unet, folder)
    write_network(spec, "vae", AutoencoderKL, spec.vae, folder)
    write_index(spec, folder)


def down(*attention):
    """down_block_types: one letter a level, x with cross-attention, r without."""
    return ["CrossAttnDownBlock2D" if level == "x" else "DownBlock2D" for level in attention]


def up(*attention):
    """up_block_types for the same letters as down(), which go from the finest level to the coarsest."""
    return ["CrossAttnUpBlock2D" if level == "x" else "UpBlock2D" for level in reversed(attention)]


def unet_config(levels, channels, **fields):
    """U-Net fields for a string of levels ("xxr") and their channels."""
    blocks = {"down_block_types": down(*levels), "up_block_types": up(*levels), "block_out_channels": list(channels)}
    return {"sample_size": 8, **blocks, **fields}


def vae_config(channels, **fields):
    """VAE fields for a list of channels, one a level."""
    blocks = {
        "down_block_types": ["DownEncoderBlock2D"] * len(channels),
        "up_block_types": ["UpDecoderBlock2D"] * len(channels),
        "block_out_channels": list(channels),
    }
    return {"sample_size": 8 * 2 ** (len(channels) - 1), "norm_num_groups": 2, **blocks, **fields}


def text_config(hidden, layers, heads, positions, **fields):
    """Text encoder fields."""
    return {
        "hidden_size": hidden,
        "intermediate_size": 2 * hidden,
        "projection_dim": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "max_position_embeddings": positions,
        **fields,
    }
