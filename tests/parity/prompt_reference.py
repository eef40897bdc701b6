"""Draws with AUTOMATIC1111's prompts: its documented arithmetic, with transformers and diffusers for the networks.

What a prompt's grammar means is not worked out here: each case says it in its "reads" (prompt_cases.py), and the
engine's parser has to come to the same.

- A text is a list of pieces, [text, weight], or BREAK.  Each piece is tokenized for itself; chunks hold 75 tokens
  (modules/sd_hijack_clip.py).
- A chunk's encoding is multiplied by the weights, then by the mean before over the mean after, taken over all texts of
  the schedule that it belongs to (modules/sd_emphasis.py).
- A schedule is a list of (last, text): the text counts in the evaluations 0 to `last`, those of earlier ones excepted
  (modules/prompt_parser.py).
- Several parts: e_u + sum of weight * scale * (e_i - e_u) (modules/sd_samplers_cfg_denoiser.py).
- Rows of unequal length: parts are filled with their last vector, then the shorter one of prompt and negative prompt
  with chunks without tokens (its option pad_cond_uncond).
"""

import copy

import torch
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import rescale_noise_cfg

from shown_reference import shown_picture
from variation_reference import start_noise
from webui_samplers import webui_scheduler

BREAK = "BREAK"
BACKTRACK = 20  # its option comma_padding_backtrack


class Chunks:
    """Fills chunks of `space` tokens; each is two lists, ids and weights, without marks."""

    def __init__(self, space, comma):
        self.space = space
        self.comma = comma
        self.done = []
        self.begin()

    def begin(self, ids=(), weights=()):
        """Opens a chunk that holds these tokens already."""
        self.ids, self.weights, self.last_comma = list(ids), list(weights), None

    def end(self):
        """Closes the open chunk."""
        self.done.append((self.ids, self.weights))
        self.begin()

    def make_way(self, token):
        """Closes a full chunk; what follows its last comma, if that is near, goes into the next one."""
        full = len(self.ids) == self.space
        if token == self.comma:
            self.last_comma = len(self.ids)
        elif full and self.last_comma is not None and self.space - self.last_comma <= BACKTRACK:
            cut = self.last_comma + 1
            moved = self.ids[cut:], self.weights[cut:]
            self.ids, self.weights = self.ids[:cut], self.weights[:cut]
            self.end()
            self.begin(*moved)
        if len(self.ids) == self.space:
            self.end()

    def put(self, ids, weight):
        """Adds tokens that stay together."""
        if len(self.ids) + len(ids) > self.space:
            self.end()
        self.ids += ids
        self.weights += [weight] * len(ids)

    def finish(self):
        """All chunks; an open one without tokens counts only when there is no other."""
        if self.ids or not self.done:
            self.end()
        return self.done


class PromptReference:
    """Encodes and draws with the parts of an opened diffusers pipeline."""

    def __init__(self, pipe, embeddings):
        self.pipe = pipe
        self.scheduler_config = pipe.scheduler.config
        self.tokenizer = copy.deepcopy(pipe.tokenizer)  # before diffusers adds names to it
        self.length = pipe.tokenizer.model_max_length
        self.names = []
        self.shown = None  # beside the latent, to a model that inpaints or edits
        self.encoder = self.extended(pipe.text_encoder, {name: vectors[0] for name, vectors in embeddings.items()})

    def extended(self, encoder, embeddings):
        """A copy of the encoder in which every embedding's vectors have ids above the vocabulary's."""
        if not embeddings:
            return encoder
        encoder = copy.deepcopy(encoder)
        table = encoder.get_input_embeddings()
        rows = [table.weight]
        next_id = table.weight.shape[0]
        self.names = []
        for name, vectors in embeddings.items():
            vectors = vectors.reshape(-1, table.weight.shape[1])
            ids = list(range(next_id, next_id + len(vectors)))
            self.names.append((self.tokens(name), ids))
            rows.append(vectors.float())
            next_id += len(vectors)
        self.names.sort(key=lambda entry: -len(entry[0]))
        table.weight = torch.nn.Parameter(torch.cat(rows))
        return encoder

    def tokens(self, text):
        """Ids of a text, without marks."""
        return self.tokenizer(text, add_special_tokens=False, truncation=False).input_ids

    def name_at(self, ids, place):
        """(length of an embedding's name, ids of its vectors) where one begins; else one token."""
        for name, vectors in self.names:
            if ids[place : place + len(name)] == name:
                return len(name), vectors
        return 1, [ids[place]]

    def chunks(self, pieces):
        """The chunks of a text."""
        chunks = Chunks(self.length - 2, self.tokenizer.convert_tokens_to_ids(",</w>"))
        for piece in pieces:
            if piece == BREAK:
                chunks.end()
                continue
            text, weight = piece
            ids = self.tokens(text)
            place = 0
            while place < len(ids):
                chunks.make_way(ids[place])
                taken, put = self.name_at(ids, place)
                chunks.put(put, weight)
                place += taken
        return chunks.finish()

    def encode(self, chunk, skip):
        """[length, channels] of one chunk, before its weights; and the weights [length, 1]."""
        ids, weights = chunk
        tokenizer = self.tokenizer
        padding = self.length - len(ids) - 2
        row = [tokenizer.bos_token_id, *ids, tokenizer.eos_token_id, *[tokenizer.pad_token_id] * padding]
        hidden = self.encoder(torch.tensor([row]), output_hidden_states=True).hidden_states[-(skip + 1)]
        weighed = torch.tensor([1.0, *weights, *[1.0] * (padding + 1)])
        return self.encoder.final_layer_norm(hidden)[0], weighed.unsqueeze(-1)

    def encode_schedule(self, turns, skip):
        """[turns, tokens, channels]: the texts of a schedule."""
        texts = [self.chunks(pieces) for _, pieces in turns]
        columns = []
        for i in range(max(map(len, texts))):
            encoded = [self.encode(text[i] if i < len(text) else ([], []), skip) for text in texts]
            z = torch.stack([values for values, _ in encoded])
            columns.append(self.emphasize(z, torch.stack([weights for _, weights in encoded])))
        return torch.cat(columns, dim=1)

    def emphasize(self, z, weights):
        """z times its weights, with the mean that it had before."""
        weighed = z * weights
        return weighed * (z.mean() / weighed.mean())

    def encode_negative(self, turns, skip):
        """The negative prompt's schedule."""
        return self.encode_schedule(turns, skip)

    def pad_with_empty(self, rows, tokens, skip):
        """rows [n, t, channels] with chunks without tokens after them."""
        empty = self.encode(([], []), skip)[0].unsqueeze(0)
        while rows.shape[1] < tokens:
            rows = torch.cat([rows, empty.expand(len(rows), -1, -1)], dim=1)
        return rows

    def encode_request(self, reads, skip):
        """(schedules of the parts, schedule of the negative prompt), each [turns, tokens, channels], one length."""
        parts = [self.encode_schedule(part["turns"], skip) for part in reads["parts"]]
        negative = self.encode_negative(reads["negative"], skip)
        longest = max(part.shape[1] for part in parts)
        parts = [torch.cat([part, part[:, -1:].expand(-1, longest - part.shape[1], -1)], dim=1) for part in parts]
        tokens = max(longest, negative.shape[1])
        parts = [self.pad_with_empty(part, tokens, skip) for part in parts]
        return parts, self.pad_with_empty(negative, tokens, skip)

    def guided(self, request, reads, encoded, sample, timestep, evaluation):
        """What the network says of a sample [1, c, h, w], with guidance; encoded is encode_request's."""
        parts, negative = encoded
        if request.get("image_guidance_scale", 1) != 1:
            return self.guided_by_picture(request, reads, encoded, sample, timestep, evaluation)
        rows = [turn_at(negative, reads["negative"], evaluation)]
        rows += [turn_at(part, read["turns"], evaluation) for part, read in zip(parts, reads["parts"])]
        sample = sample.expand(len(rows), -1, -1, -1)
        said = self.pipe.unet(self.beside(sample), timestep, encoder_hidden_states=torch.stack(rows)).sample
        return self.compose(request, reads, said)

    def guided_by_picture(self, request, reads, encoded, sample, timestep, evaluation):
        """The same of a model that edits (combine_denoised_for_edit_model)."""
        parts, negative = encoded
        unguided = turn_at(negative, reads["negative"], evaluation)
        rows = [turn_at(parts[0], reads["parts"][0]["turns"], evaluation), unguided, unguided]
        shown = torch.cat([self.shown, self.shown, torch.zeros_like(self.shown)])
        sample = torch.cat([sample.expand(3, -1, -1, -1), shown], dim=1)
        text, image, bare = self.pipe.unet(sample, timestep, encoder_hidden_states=torch.stack(rows)).sample.chunk(3)
        return bare + request["cfg_scale"] * (text - image) + request["image_guidance_scale"] * (image - bare)

    def beside(self, sample):
        """A sample [n, c, h, w] with what the network is shown beside it, if anything."""
        return sample if self.shown is None else torch.cat([sample, self.shown.expand(len(sample), -1, -1, -1)], dim=1)

    def compose(self, request, reads, said):
        """The sum of what the network says of the rows [n, c, h, w]."""
        out = said[0].clone()
        for read, word in zip(reads["parts"], said[1:]):
            out += (word - said[0]) * (read["weight"] * request["cfg_scale"])
        return rescale_noise_cfg(out.unsqueeze(0), said[1:2], request.get("cfg_rescale", 0))

    @torch.no_grad()
    def draw(self, request, reads):
        """(last latent, picture [H, W, 3])."""
        pipe = self.pipe
        encoded = self.encode_request(reads, request.get("clip_skip", 0))
        scheduler = webui_scheduler(self.scheduler_config, request)
        scheduler.set_timesteps(request["steps"])
        size = request["height"] // pipe.vae_scale_factor, request["width"] // pipe.vae_scale_factor
        generator = torch.Generator("cpu").manual_seed(request["seed"])
        shape = (1, pipe.vae.config.latent_channels, *size)
        x = start_noise(request, shape, generator, pipe.vae_scale_factor) * scheduler.init_noise_sigma
        self.shown = shown_picture(pipe, (request["width"], request["height"]), None, None, generator.clone_state())
        for evaluation, timestep in enumerate(scheduler.timesteps):
            sample = scheduler.scale_model_input(x, timestep)
            out = self.guided(request, reads, encoded, sample, timestep, evaluation)
            x = scheduler.step(out, timestep, x, generator=generator).prev_sample
        image = pipe.vae.decode(x / pipe.vae.config.scaling_factor).sample[0]
        return x, (255 * ((image + 1) / 2).clamp(0, 1)).floor().permute(1, 2, 0)


def turn_at(rows, turns, evaluation):
    """The row of a schedule that counts in an evaluation."""
    for row, (last, _) in zip(rows, turns):
        if evaluation <= last:
            return row
    return rows[-1]
