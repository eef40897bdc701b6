"""Captions: what people might write to get a picture.  Pure functions of a random generator; no libraries.

A caption is [style] subject [keywords] [filler].  The subject is a thing by its name, or by a synonym, or by keywords
alone; in scenes it may have a colour, a number, a neighbour, a background.
"""

import re

STYLE_PHRASES = {
    "3d": ("3d {}", "3d {}", "3d render of {}", "glossy 3d {}", "{}, 3d", "{}, 3d render", "3d icon of {}"),
    "flat": ("flat {}", "flat {}", "flat icon of {}", "flat vector {}", "{}, flat", "{}, flat style",
             "{}, flat design"),
    "cartoon": ("cartoon {}", "cartoon {}", "cartoon of {}", "cartoon style {}", "{}, cartoon", "{}, cartoon style",
                "a cartoon drawing of {}"),
}
FILLER_BEFORE = ("masterpiece, best quality, {}", "a photo of {}", "a picture of {}", "an image of {}",
                 "best quality, {}", "masterpiece, best quality, a photo of {}", "a drawing of {}", "an icon of {}",
                 "a beautiful {}", "emoji of {}", "draw {}", "{} icon", "{} emoji", "a cute {}", "a detailed illustration of {}")
FILLER_AFTER = ("{}, 4k", "{}, highly detailed", "{}, high quality", "{}, masterpiece", "{}, 8k, sharp focus",
                "{}, best quality", "{}, digital art", "{}, isolated", "{}, centered", "{}, trending on artstation",
                "{}, on white")
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white", "grey")
COLOUR_WORDS = {"grey": ("grey", "gray"), "purple": ("purple", "violet"), "pink": ("pink", "magenta")}
BACKGROUNDS = ("{} on a {} background", "{} on a {} background", "{}, {} background", "{} in front of a {} wall",
               "{} with a {} background")
PAIRS = ("{} and {}", "{} and {}", "{} next to {}", "{} beside {}", "{} with {}", "{}, {}")
NUMBERS = {2: ("two", "two", "2", "a pair of"), 3: ("three", "three", "3"), 4: ("four", "four", "4")}

NAMELESS, WITH_KEYWORDS, STYLED, FILLED = 0.4, 0.25, 0.9, 0.2


def article(noun):
    """With "a" or "an" before it."""
    return ("an " if noun[0] in "aeiou" else "a ") + noun


def plural(noun):
    """Good enough for captions: dogs, foxes, cherries, knives stay knifes."""
    if noun.endswith("s") and not noun.endswith("ss"):
        return noun
    if re.search(r"(s|x|ch|sh)$", noun):
        return noun + "es"
    if re.search(r"[^aeiou]y$", noun):
        return noun[:-1] + "ies"
    return noun + "s"


def called(thing, rng, nameless=NAMELESS):
    """The thing by its name, or by one of the words that lead to it alone."""
    if thing["synonyms"] and rng.random() < nameless:
        return rng.choice(thing["synonyms"])
    return thing["name"]


def some_keywords(thing, rng, least, most):
    """A few of its keywords, in any order."""
    count = min(len(thing["keywords"]), rng.randint(least, most))
    return rng.sample(thing["keywords"], count)


def subject_of(thing, rng):
    """One thing, as asked for without a style."""
    words = thing["name"]
    if rng.random() < NAMELESS and (thing["synonyms"] or len(thing["keywords"]) > 1):
        if thing["synonyms"] and rng.random() < 0.75:
            words = rng.choice(thing["synonyms"])
        else:
            return ", ".join(some_keywords(thing, rng, 2, 4))
    elif rng.random() < WITH_KEYWORDS:
        return ", ".join([words, *some_keywords(thing, rng, 1, 3)])
    return article(words) if rng.random() < 0.35 else words


def scene_subject(scene, things, rng):
    """What a scene shows.  It has parts, each a thing's number with a colour or none; a count; a background or none."""
    parts = []
    for part in scene["parts"]:
        words = called(things[part["thing"]], rng, 0.2)
        if part["colour"]:
            words = f"{colour_word(part['colour'], rng)} {words}"
        if scene["count"] > 1:
            words = f"{rng.choice(NUMBERS[scene['count']])} {plural(words)}"
        elif rng.random() < 0.75:
            words = article(words)
        parts.append(words)
    words = rng.choice(PAIRS).format(*parts) if len(parts) == 2 else parts[0]
    if scene["background"]:
        words = rng.choice(BACKGROUNDS).format(words, colour_word(scene["background"], rng))
    return words


def colour_word(colour, rng):
    """The colour by one of its names, mostly the usual one."""
    words = COLOUR_WORDS.get(colour, (colour,))
    return words[0] if rng.random() < 0.8 else rng.choice(words)


def dressed(words, style, rng):
    """With a style or none, with filler or none."""
    if rng.random() < STYLED:
        words = rng.choice(STYLE_PHRASES[style]).format(words)
    if rng.random() < FILLED:
        where = rng.random()
        if where < 0.7:
            words = rng.choice(FILLER_BEFORE).format(words)
        if where > 0.4:
            words = rng.choice(FILLER_AFTER).format(words)
    return words


def caption(item, things, rng):
    """A caption of a picture: a dictionary with style and thing, or of a scene."""
    if "parts" in item:
        return dressed(scene_subject(item, things, rng), item["style"], rng)
    return dressed(subject_of(things[item["thing"]], rng), item["style"], rng)


def all_words(things):
    """How often each word occurs among names, synonyms, keywords and phrases, for the tokenizer: names count most."""
    counts = {}

    def add(text, weight):
        for word in re.findall(r"'s|[a-z]+|[0-9]|[^\sa-z0-9{}]+", text.lower()):
            counts[word] = counts.get(word, 0) + weight

    for thing in things:
        add(thing["name"], 20)
        add(plural(thing["name"]), 3)
        for word in thing["synonyms"]:
            add(word, 5)
        for word in thing["keywords"]:
            add(word, 2)
    phrases = [phrase for group in STYLE_PHRASES.values() for phrase in group]
    numbers = [word for group in NUMBERS.values() for word in group]
    colours = [word for group in COLOUR_WORDS.values() for word in group]
    fixed = (*FILLER_BEFORE, *FILLER_AFTER, *COLOURS, *BACKGROUNDS, *PAIRS, "a an the")
    for phrase in (*phrases, *fixed, *numbers, *colours):
        add(phrase, 50)
    return counts
