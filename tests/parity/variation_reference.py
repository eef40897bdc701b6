"""The noise that AUTOMATIC1111 begins with (modules/rng.py): a seed's, one between two seeds', or another size's."""

import torch

CHORD_FROM = 0.9995  # the mean cosine above which it takes the chord, and the other way round


def arc(share, low, high):
    """From low to high [c, h, w]; the vectors are their columns."""
    cosines = (low / low.norm(dim=1, keepdim=True) * (high / high.norm(dim=1, keepdim=True))).sum(1, keepdim=True)
    if cosines.mean() > CHORD_FROM:
        return low * share + high * (1 - share)
    angles = cosines.acos()
    return (((1 - share) * angles).sin() * low + (share * angles).sin() * high) / angles.sin()


def draw(seed, shape):
    """The first noise of a seed."""
    return torch.randn(shape, generator=torch.Generator("cpu").manual_seed(seed))


def start_noise(request, shape, generator, factor):
    """The noise [1, c, h, w] of a request, by a generator with its seed, which goes on as far as for any other."""
    noise = torch.randn(shape, generator=generator)
    sides = request.get("seed_resize_from_h", 0), request.get("seed_resize_from_w", 0)
    small = (shape[1], *(side // factor for side in sides)) if min(sides) > 0 else tuple(shape[1:])
    own = noise[0] if small == tuple(shape[1:]) else draw(request["seed"], small)
    if request.get("subseed_strength", 0) > 0:
        own = arc(request["subseed_strength"], own, draw(request["subseed"], small))
    if small == tuple(shape[1:]):
        return own.unsqueeze(0)
    place = [(side - own_side) // 2 for side, own_side in zip(shape[2:], small[1:])]
    length = [own_side + min(0, 2 * at) for own_side, at in zip(small[1:], place)]
    to, source = ([slice(max(0, sign * at), max(0, sign * at) + long) for at, long in zip(place, length)] for sign in (1, -1))
    noise[0, :, to[0], to[1]] = own[:, source[0], source[1]]
    return noise
