"""Adapter files for a small model, of every form that trainers write, with generated values."""

import torch

from tiny_models import generator_for

RANK = 3


class Writer:
    """The tensors of one file; each layer's change is a share of the layer's weight."""

    def __init__(self, name, pipe, dtype=torch.float32):
        self.generator = generator_for("loras", name)
        self.pipe = pipe
        self.dtype = dtype
        self.tensors = {}
        self.configuration = None

    def layers(self, *endings):
        """(network, name, weight, bias) of the layers whose names end so."""
        for network in ("unet", "text_encoder", "text_encoder_2"):
            module = getattr(self.pipe, network, None)
            for name, layer in module.named_modules() if module else ():
                name = name.removeprefix("text_model.")
                if name.endswith(endings) and isinstance(layer, (torch.nn.Linear, torch.nn.Conv2d)):
                    yield network, name, layer.weight.detach().float(), layer.bias

    def random(self, *shape):
        """Values of a spread of 1."""
        return torch.randn(shape, generator=self.generator)

    def put(self, stem, **parts):
        """The parts of one layer; a dot in a part's name is written as two underscores."""
        for part, values in parts.items():
            self.tensors[f"{stem}.{part.replace('__', '.')}"] = values.to(self.dtype).contiguous()

    def low_rank(self, weight, share=0.4):
        """(up, down) whose product has a share of the weight's spread; a convolution's down has its kernel."""
        scale = (share * weight.std() / RANK**0.5) ** 0.5
        up = self.random(weight.shape[0], RANK, *([1] * (weight.dim() - 2)))
        return scale * up, scale * self.random(RANK, *weight.shape[1:])

    def factors(self, rows, columns, spread):
        """(a [rows, rank], b [rank, columns]) whose product has that spread."""
        scale = (spread / RANK**0.5) ** 0.5
        return scale * self.random(rows, RANK), scale * self.random(RANK, columns)


ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
TEXT = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")
CONVOLUTIONS = ("conv1", "conv2", "conv_shortcut", "downsamplers.0.conv", "upsamplers.0.conv")


def kohya_name(network, name):
    """As kohya's trainer calls a layer."""
    prefix = {"unet": "lora_unet", "text_encoder": "lora_te_text_model"}[network]
    return f"{prefix}_{name}".replace(".", "_")


def kohya(writer):
    """Linear layers of both networks, alpha of another size than the rank."""
    for network, name, weight, _ in writer.layers(*ATTENTION, *TEXT, "proj_in", "proj_out", "net.0.proj", "net.2"):
        up, down = writer.low_rank(weight)
        writer.put(kohya_name(network, name), lora_up__weight=up, lora_down__weight=down, alpha=torch.tensor(2.0))


def peft_name(network, name):
    """As PEFT calls a layer, in the transformers of when most files were made."""
    return f"{'text_encoder.text_model' if network == 'text_encoder' else network}.{name}"


def peft(writer):
    """diffusers' names, convolutions as well, no alpha."""
    for network, name, weight, _ in writer.layers(*ATTENTION, *CONVOLUTIONS, "conv_in", "time_emb_proj", "q_proj", "v_proj"):
        up, down = writer.low_rank(weight)
        writer.put(peft_name(network, name), lora_A__weight=down, lora_B__weight=up)


def peft_alpha(writer):
    """The same, with PEFT's configuration in the metadata, which alone says the alphas."""
    peft(writer)
    own = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
    writer.configuration = {
        "unet.r": RANK, "unet.rank_pattern": {}, "unet.lora_alpha": 7, "unet.alpha_pattern": {own: 2, "conv1": 1.5}, "unet.use_rslora": True,
        "unet.target_modules": sorted({name for network, name, _, _ in writer.layers(*ATTENTION, *CONVOLUTIONS, "conv_in", "time_emb_proj")
                                       if network == "unet"}),
        "text_encoder.r": RANK, "text_encoder.rank_pattern": {}, "text_encoder.lora_alpha": 1,
        "text_encoder.target_modules": ["q_proj", "v_proj"],
    }


def dora(writer):
    """The same with a magnitude for each row; diffusers does not read the text encoder's."""
    for network, name, weight, _ in writer.layers(*ATTENTION, "conv1"):
        up, down = writer.low_rank(weight)
        size = weight.flatten(1).norm(dim=1) * (1 + 0.2 * writer.random(weight.shape[0]))
        size = size if weight.dim() == 2 else size[None, :, None, None]
        writer.put(peft_name(network, name), lora_A__weight=down, lora_B__weight=up, lora_magnitude_vector=size)


def columns(writer):
    """With a magnitude for each column, as kohya's trainer writes them; convolutions with a core."""
    for network, name, weight, _ in writer.layers(*ATTENTION, "conv1", "q_proj"):
        area = tuple(range(2, weight.dim()))
        size = weight.square().sum(dim=(0, *area), keepdim=True).sqrt()
        size = size * (1 + 0.2 * writer.random(*size.shape))
        if area:
            up, down = writer.factors(weight.shape[0], weight.shape[1], weight.std())
            parts = {"lora_mid__weight": 0.3 * writer.random(RANK, RANK, *weight.shape[2:])}
            up, down = up[..., None, None], down[..., None, None]
        else:
            parts = {}
            up, down = writer.low_rank(weight)
        writer.put(kohya_name(network, name), lora_up__weight=up, lora_down__weight=down, dora_scale=size,
                   alpha=torch.tensor(1.5), **parts)


def loha(writer):
    """Hadamard products, of which some convolutions have cores."""
    for network, name, weight, _ in writer.layers("to_q", "to_v", "conv1", "conv2", "fc1"):
        rows, wide = weight.shape[0], weight[0].numel()
        parts = {}
        for number in (1, 2):
            if name.endswith("conv2"):
                a, b = writer.factors(rows, weight.shape[1], 1)
                parts |= {f"hada_w{number}_a": a.T, f"hada_w{number}_b": b,
                          f"hada_t{number}": 0.3 * writer.random(RANK, RANK, *weight.shape[2:])}
            else:
                a, b = writer.factors(rows, wide, (0.4 * weight.std()) ** 0.5)
                parts |= {f"hada_w{number}_a": a, f"hada_w{number}_b": b}
        writer.put(kohya_name(network, name), alpha=torch.tensor(2.0), **parts)


def lokr(writer):
    """Kronecker products: both factors whole, the second one in two, or with a core, or both in two."""
    for network, name, weight, _ in writer.layers("to_q", "to_k", "to_v", "conv1", "conv2", "fc2"):
        rows, columns_, kernel = weight.shape[0], weight.shape[1], tuple(weight.shape[2:])
        spread = 0.4 * weight.std()
        parts = {"lokr_w1": writer.random(2, 4)}
        if name.endswith(("to_q", "conv1")):
            parts["lokr_w2"] = spread * writer.random(rows // 2, columns_ // 4, *kernel)
        elif name.endswith("conv2"):
            a, b = writer.factors(rows // 2, columns_ // 4, 1)
            core = spread * writer.random(RANK, RANK, *kernel)
            parts |= {"lokr_w2_a": a.T, "lokr_w2_b": b, "lokr_t2": core}
        else:
            parts["lokr_w2_a"], parts["lokr_w2_b"] = writer.factors(rows // 2, columns_ // 4, spread)
        if name.endswith("to_v"):
            del parts["lokr_w1"]
            parts["lokr_w1_a"], parts["lokr_w1_b"] = writer.factors(2, 4, 1)
        writer.put(kohya_name(network, name), alpha=torch.tensor(2.0), **parts)


def full(writer):
    """Whole differences, of biases too."""
    for network, name, weight, bias in writer.layers("to_out.0", "conv_in", "conv_out", "fc1"):
        writer.put(kohya_name(network, name), diff=0.3 * weight.std() * writer.random(*weight.shape),
                   diff_b=0.3 * bias.detach().float().std() * writer.random(*bias.shape))


# What the first publication calls the parts of a resblock, and the layers before and behind all blocks.
RESBLOCK = {"conv1": "in_layers.2", "time_emb_proj": "emb_layers.1", "conv2": "out_layers.3", "conv_shortcut": "skip_connection"}
ENDS = {"conv_in": "input_blocks.0.0", "conv_out": "out.2"}


def published_name(unet, name):
    """What the first publication calls a layer of the U-Net: blocks are counted through all levels."""
    if name in ENDS:
        return ENDS[name]
    words = name.split(".")
    if words[0] == "mid_block":
        block, module, rest = "middle_block", {"resnets": 2 * int(words[2]), "attentions": 1}[words[1]], words[3:]
    else:
        down, level, layers = words[0] == "down_blocks", int(words[1]), unet.config.layers_per_block + 1
        if words[2].endswith("samplers"):
            number = level * layers + layers - 1
            attends = hasattr(unet.up_blocks[level], "attentions")
            return f"input_blocks.{number + 1}.0.op" if down else f"output_blocks.{number}.{2 if attends else 1}.conv"
        block = f"{'input' if down else 'output'}_blocks.{level * layers + int(words[3]) + (1 if down else 0)}"
        module, rest = {"resnets": 0, "attentions": 1}[words[2]], words[4:]
    rest = ".".join(rest)
    return f"{block}.{module}.{rest if module == 1 else RESBLOCK[rest]}"


def kohya_xl(writer):
    """For Stable Diffusion XL: the U-Net's layers by the names of the first publication, and two text encoders."""
    prefixes = {"text_encoder": "lora_te1_text_model", "text_encoder_2": "lora_te2_text_model"}
    for network, name, weight, _ in writer.layers(*ATTENTION, *TEXT, *CONVOLUTIONS, "time_emb_proj", "proj_in", "net.2"):
        if network == "unet" and name.startswith("time_"):
            continue
        if network == "unet":
            stem = f"lora_unet_{published_name(writer.pipe.unet, name)}"
        else:
            stem = f"{prefixes[network]}_{name}"
        up, down = writer.low_rank(weight)
        writer.put(stem.replace(".", "_"), lora_up__weight=up, lora_down__weight=down, alpha=torch.tensor(2.0))


def peft_xl(writer):
    """diffusers' names for all three networks."""
    for network, name, weight, _ in writer.layers(*ATTENTION, "conv2", "q_proj", "fc2"):
        up, down = writer.low_rank(weight)
        outer = "" if network == "unet" else "text_model."
        writer.put(f"{network}.{outer}{name}", lora_A__weight=down, lora_B__weight=up)


# Those that diffusers reads itself, with PEFT.
READ_BY_DIFFUSERS = ("kohya", "peft", "peft-alpha", "dora", "kohya-xl", "peft-xl")
FORMS = {"kohya": (kohya, torch.float16), "peft": (peft, torch.float32), "peft-alpha": (peft_alpha, torch.float32), "dora": (dora, torch.float32),
         "columns": (columns, torch.float32), "loha": (loha, torch.bfloat16), "lokr": (lokr, torch.float32),
         "full": (full, torch.float32)}
FORMS_XL = {"kohya-xl": (kohya_xl, torch.float16), "peft-xl": (peft_xl, torch.float32)}


def write_loras(pipe):
    """{name: (tensors, PEFT's configuration or None)} of all forms that there are for the pipeline's model."""
    made = {}
    for name, (fill, dtype) in (FORMS_XL if hasattr(pipe, "text_encoder_2") else FORMS).items():
        writer = Writer(name, pipe, dtype)
        fill(writer)
        made[name] = writer.tensors, writer.configuration
    return made
