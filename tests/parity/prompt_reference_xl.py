"""AUTOMATIC1111's arithmetic for prompts to Stable Diffusion XL.

Beside what prompt_reference.py says:

- Both text encoders read the same tokens; what the second one's chunks are filled with is its tokenizer's padding
  (modules/sd_hijack_open_clip.py).  Their layers before the last stand side by side, not normed; each encoder's share is
  weighed, and its mean restored, for itself.
- Pooled is a text's first chunk, without weights.  clip_skip changes nothing.
- An empty negative prompt is zeros, pooled or not (modules/sd_models_xl.py: force_zero_embeddings); what fills up a shorter
  row is an empty text that was encoded.
"""

import torch

from prompt_reference import PromptReference, turn_at


class PromptReferenceXL(PromptReference):
    """Encodes and draws with the parts of an opened Stable Diffusion XL pipeline."""

    def __init__(self, pipe, embeddings):
        super().__init__(pipe, embeddings)
        self.second = self.extended(pipe.text_encoder_2, {name: vectors[1] for name, vectors in embeddings.items()})

    def rows(self, ids):
        """Token ids [1, length] for each encoder."""
        padding = self.length - len(ids) - 2
        marked = [self.tokenizer.bos_token_id, *ids, self.tokenizer.eos_token_id]
        pads = self.tokenizer.pad_token_id, self.pipe.tokenizer_2.pad_token_id
        return [torch.tensor([[*marked, *[pad] * padding]]) for pad in pads]

    def encode(self, chunk, skip):
        """[length, channels of both] of one chunk, before its weights; and the weights [length, 1]."""
        ids, weights = chunk
        hidden = [encoder(row, output_hidden_states=True).hidden_states[-2][0]
                  for encoder, row in zip((self.encoder, self.second), self.rows(ids))]
        weighed = torch.tensor([1.0, *weights, *[1.0] * (self.length - len(ids) - 1)])
        return torch.cat(hidden, dim=-1), weighed.unsqueeze(-1)

    def emphasize(self, z, weights):
        """Each encoder's share for itself."""
        width = self.pipe.text_encoder.config.hidden_size
        return torch.cat([super(PromptReferenceXL, self).emphasize(part, weights)
                          for part in (z[..., :width], z[..., width:])], dim=-1)

    def pooled(self, turns):
        """[turns, channels]: of each text its first chunk."""
        first = [self.chunks(pieces)[0][0] for _, pieces in turns]
        return torch.cat([self.second(self.rows(ids)[1]).text_embeds for ids in first])

    def encode_negative(self, turns, skip):
        """Zeros where there is nothing in it."""
        encoded = super().encode_negative(turns, skip)
        return torch.zeros_like(encoded) if is_empty(turns) else encoded

    def guided(self, request, reads, encoded, sample, timestep, evaluation):
        """What the network says of a sample [1, c, h, w], with guidance."""
        parts, negative = encoded
        unguided = self.pooled(reads["negative"])
        pooled = [turn_at(torch.zeros_like(unguided) if is_empty(reads["negative"]) else unguided, reads["negative"], evaluation)]
        pooled += [turn_at(self.pooled(read["turns"]), read["turns"], evaluation) for read in reads["parts"]]
        rows = [turn_at(negative, reads["negative"], evaluation)]
        rows += [turn_at(part, read["turns"], evaluation) for part, read in zip(parts, reads["parts"])]
        size = [float(request["height"]), float(request["width"])]
        added = {"text_embeds": torch.stack(pooled), "time_ids": torch.tensor([[*size, 0, 0, *size]] * len(rows))}
        said = self.pipe.unet(self.beside(sample.expand(len(rows), -1, -1, -1)), timestep, encoder_hidden_states=torch.stack(rows),
                              added_cond_kwargs=added).sample
        return self.compose(request, reads, said)


def is_empty(turns):
    """Whether a schedule has no words in it."""
    return all(not text for _, pieces in turns for text, _ in pieces)
