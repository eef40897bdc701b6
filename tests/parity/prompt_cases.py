"""Prompts of AUTOMATIC1111's grammar, and how each is read: what its documentation says, written out by hand."""

import torch

from prompt_reference import BREAK
from tiny_models import generator_for

NEGATIVE = "ugly, blurry"
STEPS = 10  # with this number, k-diffusion's and diffusers' Euler stop at the same levels

LONG = " ".join(["the quick brown fox jumps over the lazy dog"] * 5)
COMMAS = ", ".join(["a painting of a red fox", "oil on canvas", "blue and green glass", "highly detailed"] * 3)


def plain(text, weight=1.0):
    """A text without changes: a schedule of one turn."""
    return [[STEPS, [[text, weight]]]]


def pieces(*parts):
    """The same of several pieces."""
    return [[STEPS, [list(part) if part != BREAK else BREAK for part in parts]]]


def turns(*rows):
    """A schedule from (last, text) pairs."""
    return [[last, [[text, 1.0]]] for last, text in rows]


def alternate(*texts):
    """A schedule that takes its texts by turns."""
    return turns(*((step, texts[(step - 1) % len(texts)]) for step in range(1, STEPS + 1)))


def read(schedule, negative=None):
    """One part."""
    return {"parts": [{"weight": 1.0, "turns": schedule}], "negative": negative or plain(NEGATIVE)}


def compose(*parts, negative=None):
    """Several parts, (weight, schedule) each."""
    return {
        "parts": [{"weight": weight, "turns": schedule} for weight, schedule in parts],
        "negative": negative or plain(NEGATIVE),
    }


FOX = "a painting of a red fox"

# (name, prompt, how it is read, other fields of the request)
GRAMMAR = [
    ("plain", FOX, read(plain(FOX)), {}),
    ("emphasis", "a (red fox:1.4) in snow", read(pieces(["a ", 1], ["red fox", 1.4], [" in snow", 1])), {}),
    (
        "emphasis-nested",
        "a ((red (fox:1.3))) [in] snow",
        read(
            pieces(
                ["a ", 1], ["red ", 1.1 * 1.1], ["fox", 1.3 * 1.1 * 1.1], [" ", 1], ["in", 1 / 1.1], [" snow", 1]
            )
        ),
        {},
    ),
    (
        "emphasis-unbalanced",
        "a (red] fox :) (snow",
        read(pieces(["a ", 1], ["red] fox :", 1.1], [" ", 1], ["snow", 1.1])),
        {},
    ),
    ("emphasis-numbers", "(a:1.) (fox:.5) (hat:-1)", read(pieces(["a ", 1], ["fox", 0.5], [" ", 1], ["hat", -1])), {}),
    ("escapes", r"a \(red\) fox \[x\] \\", read(plain("a (red) fox [x] \\")), {}),
    (
        "negative-emphasis",
        FOX,
        read(plain(FOX), pieces(["ugly", 1.5], [", blurry", 1])),
        {"negative_prompt": "(ugly:1.5), blurry"},
    ),
    ("long", LONG, read(plain(LONG)), {}),
    ("long-commas", COMMAS, read(plain(COMMAS)), {}),
    ("long-negative", FOX, read(plain(FOX), plain(LONG)), {"negative_prompt": LONG}),
    ("long-emphasis", f"({LONG}:1.2) night", read(pieces([LONG, 1.2], [" night", 1])), {}),
    ("break", "a red fox BREAK blue glass", read(pieces(["a red fox", 1], BREAK, ["blue glass", 1])), {}),
    (
        "break-twice",
        "fox BREAK BREAK (hat:1.2) BREAK",
        read(pieces(["fox", 1], BREAK, BREAK, ["hat", 1.2])),
        {"negative_prompt": NEGATIVE},
    ),
    ("clip-skip", FOX, read(plain(FOX)), {"clip_skip": 1}),
    ("edit-share", "a [fox:cat:0.5] hat", read(turns((5, "a fox hat"), (STEPS, "a cat hat"))), {}),
    ("edit-step", "a [fox:cat:3] hat", read(turns((3, "a fox hat"), (STEPS, "a cat hat"))), {}),
    ("edit-add", "a fox[ in snow:0.3]", read(turns((3, "a fox"), (STEPS, "a fox in snow"))), {}),
    ("edit-remove", "a fox[ in snow::0.7]", read(turns((7, "a fox in snow"), (STEPS, "a fox"))), {}),
    (
        "edit-nested",
        "a [fox:[cat:dog:6]:3]",
        read(turns((3, "a fox"), (6, "a cat"), (STEPS, "a dog"))),
        {},
    ),
    (
        "edit-emphasis",
        "a [(fox:1.5):cat:4] hat",
        read([[4, [["a ", 1], ["fox", 1.5], [" hat", 1]]], [STEPS, [["a cat hat", 1]]]]),
        {},
    ),
    ("edit-long", f"fox[ {LONG}:5]", read(turns((5, "fox"), (STEPS, f"fox {LONG}"))), {}),
    (
        "edit-negative",
        FOX,
        read(plain(FOX), turns((2, "ugly"), (STEPS, "blurry"))),
        {"negative_prompt": "[ugly:blurry:2]"},
    ),
    ("alternate", "a [fox|cat|dog] hat", read(alternate("a fox hat", "a cat hat", "a dog hat")), {}),
    (
        "alternate-emphasis",
        "a [(fox:1.6)|cat|dog]",
        read(
            [
                [step, [["a ", 1], ["fox", 1.6]] if step % 3 == 1 else [["a cat" if step % 3 == 2 else "a dog", 1]]]
                for step in range(1, STEPS + 1)
            ]
        ),
        {},
    ),
    ("alternate-empty", "a [red |]fox", read(alternate("a red fox", "a fox")), {}),
    ("and", "a fox AND blue glass", compose((1, plain("a fox")), (1, plain(" blue glass"))), {}),
    (
        "and-weights",
        "a fox :0.8 AND blue glass :-0.3 AND snow :.5",
        compose((0.8, plain("a fox")), (-0.3, plain(" blue glass")), (0.5, plain(" snow"))),
        {"cfg_scale": 5},
    ),
    ("and-lengths", f"{LONG} AND fox", compose((1, plain(LONG)), (1, plain(" fox"))), {}),
    (
        "and-lengths-negative",
        "a fox BREAK b AND c",
        compose((1, pieces(["a fox", 1], BREAK, ["b", 1])), (1, plain("c")), negative=plain(LONG + ", " + LONG)),
        {"negative_prompt": LONG + ", " + LONG},
    ),
    (
        "and-edit",
        "[a fox:a cat:5] AND [snow|glass] :0.5",
        compose((1, turns((5, "a fox"), (STEPS, "a cat"))), (0.5, alternate("snow", "glass"))),
        {},
    ),
    ("weight-alone", "a fox :1.3", compose((1.3, plain("a fox"))), {}),
    ("no-guidance", "a (fox:1.4)", read(pieces(["a ", 1], ["fox", 1.4])), {"cfg_scale": 1}),
    ("weight-rescale", "a fox :1.3", compose((1.3, plain("a fox"))), {"cfg_rescale": 0.6}),
    ("weak-guidance", FOX, read(plain(FOX)), {"cfg_scale": 0.5}),
]


# Textual inversion embeddings, [vectors, channels of the sd15 model]: file name, tensor name, shape, dtype.
EMBEDDINGS = [
    ("night", "emb_params", (2, 16), torch.float32),
    ("style-x", "<style-x>", (16,), torch.float16),
    ("many", "emb_params", (12, 16), torch.bfloat16),
]

WITH_EMBEDDINGS = [
    ("embedding", "a fox, night, style-x", {}),
    ("embedding-emphasis", "a (night:1.4) fox", {}),
    ("embedding-case", "a NIGHT fox", {}),
    ("embedding-long", f"{LONG} many, night, {LONG} many", {}),
    ("embedding-negative", FOX, {"negative_prompt": "ugly, style-x"}),
]


RESCALE = [
    ("cfg-rescale", {"cfg_rescale": 0.7}),
    ("cfg-rescale-all", {"cfg_rescale": 1, "cfg_scale": 12, "sampler": "ddim", "scheduler": "model"}),
]


def embeddings():
    """{name: {tensor name: vectors}} of all of them."""
    return {
        name: {tensor: (0.8 * torch.randn(shape, generator=generator_for("prompts", name))).to(dtype)}
        for name, tensor, shape, dtype in EMBEDDINGS
    }


def embeddings_xl():
    """{name: {tensor name: vectors}}, one tensor a text encoder, of as many vectors."""
    widths = {"clip_l": 16, "clip_g": 20}
    return {
        name: {tensor: (0.8 * torch.randn((vectors, width), generator=generator_for("prompts-xl", name + tensor))).to(dtype)
               for tensor, width in widths.items()}
        for name, vectors, dtype in (("night", 2, torch.float32), ("style-x", 1, torch.float16))
    }


class PromptPlan:
    """The cases of one small model; no tensors go in."""

    def __init__(self):
        self.cases = []
        self.tensors = {}

    def add(self, name, prompt, fields, **extra):
        """A picture of 24 x 24 pixels."""
        request = {"prompt": prompt, "negative_prompt": NEGATIVE, "seed": 3, "steps": STEPS, "cfg_scale": 7.5}
        request |= {"width": 24, "height": 24, "sampler": "euler", "scheduler": "linspace", **fields}
        self.cases.append({"name": name, "kind": "picture", "request": request, **extra, "out": f"{name}.out"})


def add_embeddings(plan, rows):
    """Prompts of AUTOMATIC1111 that name embeddings."""
    for name, prompt, fields in rows:
        weighted = pieces(["a ", 1], ["night", 1.4], [" fox", 1])
        reads = read(weighted if "(" in prompt else plain(prompt), plain(fields.get("negative_prompt", NEGATIVE)))
        plan.add(name, prompt, {"profile": "a1111", **fields}, reads=reads)


def plan_rescale():
    """Guidance with its spread taken back."""
    plan = PromptPlan()
    for name, fields in RESCALE:
        plan.add(name, FOX, fields)
    return plan


def plan_prompts():
    """All prompts of the grammar, embeddings, and guidance with its spread taken back."""
    plan = plan_rescale()
    for name, prompt, reads, fields in GRAMMAR:
        plan.add(name, prompt, {"profile": "a1111", **fields}, reads=reads)
    add_embeddings(plan, WITH_EMBEDDINGS)
    for name, prompt, fields in WITH_EMBEDDINGS:
        # In other letters, diffusers puts the first vector of several in place of a name.
        if name not in ("embedding-emphasis", "embedding-case"):
            plan.add(f"{name}-diffusers", prompt, fields)
    return plan


# What the second text encoder, and zeros for an empty negative prompt, could do otherwise.
XL = [
    ("marks", "a fox!", read(plain("a fox!")), {}),
    ("empty-negative", FOX, read(plain(FOX), plain("")), {"negative_prompt": ""}),
    (
        "empty-negative-long",
        "a red fox BREAK in snow",
        read(pieces(["a red fox", 1], BREAK, ["in snow", 1]), plain("")),
        {"negative_prompt": ""},
    ),
    ("empty", "", read(plain("")), {}),
    ("clip-skip", FOX, read(plain(FOX)), {"clip_skip": 1}),
]
XL_GRAMMAR = ("plain", "emphasis", "long", "long-negative", "break", "edit-share", "edit-negative", "alternate", "and-weights", "and-lengths")


XL_EMBEDDINGS = ("embedding", "embedding-emphasis", "embedding-negative")


def plan_prompts_xl():
    """The constructs that Stable Diffusion XL's conditioning has a part in."""
    plan = PromptPlan()
    for name, prompt, reads, fields in [*(row for row in GRAMMAR if row[0] in XL_GRAMMAR), *XL]:
        plan.add(name, prompt, {"profile": "a1111", **fields}, reads=reads)
    add_embeddings(plan, (row for row in WITH_EMBEDDINGS if row[0] in XL_EMBEDDINGS))
    for name, prompt, fields in WITH_EMBEDDINGS:
        if name in ("embedding", "embedding-negative"):
            plan.add(f"{name}-diffusers", prompt, fields)
    return plan
